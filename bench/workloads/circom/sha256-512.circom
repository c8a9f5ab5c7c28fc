pragma circom 2.0.0;

include "circomlib/circuits/sha256/sha256.circom";

// Hashes 512 private bits with SHA-256; the digest is public.
component main = Sha256(512);
