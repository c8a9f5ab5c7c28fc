-- The operator's database. Numbers of 64 bits without sign and field elements are
-- decimal text or in JSON, since SQLite's integers have a sign; times are
-- milliseconds since 1970.

CREATE TABLE IF NOT EXISTS meta (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

-- The accounts after the last transfer in transfers.
CREATE TABLE IF NOT EXISTS accounts (
  number  INTEGER PRIMARY KEY,
  account BLOB NOT NULL
) STRICT;

-- What the ledger did, in order. A transfer moves from "batch is null" through its
-- batch's states; it is never removed.
CREATE TABLE IF NOT EXISTS transfers (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  id       TEXT NOT NULL UNIQUE,
  signed   BLOB NOT NULL,
  step     BLOB NOT NULL,  -- the circuit's arguments for it
  old_root TEXT NOT NULL,
  new_root TEXT NOT NULL,
  accepted INTEGER NOT NULL,
  batch    INTEGER REFERENCES batches (number)
) STRICT;

CREATE INDEX IF NOT EXISTS transfers_by_batch ON transfers (batch, sequence);

-- A batch is sealed when it is made, proven once it has a proof, and settled once
-- the chain has it.
CREATE TABLE IF NOT EXISTS batches (
  number   INTEGER PRIMARY KEY,
  old_root TEXT NOT NULL,
  new_root TEXT NOT NULL,
  sealed   INTEGER NOT NULL,
  attempt  INTEGER NOT NULL DEFAULT 0,  -- proofs that were asked for in vain
  proof    BLOB,
  proven   INTEGER,
  mined    BLOB,
  settled  INTEGER
) STRICT;

-- What was sent to the chain: client/evm's journal.
CREATE TABLE IF NOT EXISTS journal (
  id      TEXT PRIMARY KEY,
  chain   INTEGER NOT NULL,
  account TEXT NOT NULL,
  state   TEXT NOT NULL,
  nonce   INTEGER NOT NULL,
  record  BLOB NOT NULL
) STRICT;
