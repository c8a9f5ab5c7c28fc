// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.13;

/// @dev How many transfers a proof has: that of the verifier's circuit.
uint256 constant BATCH = 5;

/// @dev A proof as the service's verifier contracts take it: docs/contracts.md.
struct G1Point {
    uint256 X;
    uint256 Y;
}

struct G2Point {
    uint256[2] X;
    uint256[2] Y;
}

struct Proof {
    G1Point a;
    G2Point b;
    G1Point c;
}

interface Verifier {
    function verifyTx(Proof memory proof, uint256[BATCH + 3] memory input) external view returns (bool);
}

/// @title The root of a payments ledger, which moves by proven batches of transfers
/// @notice Anybody may settle a batch: what counts is the proof. The calls carry the
///         transfers, so that everybody can compute the accounts from the chain.
contract Ledger {
    /// @notice Checks the proofs of the circuit.
    Verifier public immutable verifier;

    /// @notice The root of the accounts' Merkle tree.
    uint256 public root;

    /// @notice How many batches were settled.
    uint256 public height;

    /// @notice A batch was settled, the one of this number from 0.
    event Settled(uint256 indexed number, uint256 oldRoot, uint256 newRoot);

    /// @notice The batch doesn't follow the last one: it was settled before, or is
    ///         ahead of others, or belongs to another ledger.
    error WrongRoot(uint256 current, uint256 given);

    /// @notice The proof isn't one of these transfers between these roots, made for
    ///         this contract on this chain.
    error ProofRefused();

    constructor(Verifier v, uint256 genesis) {
        verifier = v;
        root = genesis;
    }

    /// @notice What transfers are signed for. It changes with the chain's id, so that
    ///         after a fork the signatures count on one side only.
    function domain() public view returns (uint256) {
        return uint256(keccak256(abi.encode("provery payments ledger", block.chainid, address(this)))) >> 8;
    }

    /// @notice Moves the root.
    /// @param words The transfers as the circuit packs them; 0 behind the last.
    function settle(Proof calldata proof, uint256 oldRoot, uint256[BATCH] calldata words, uint256 newRoot) external {
        if (oldRoot != root) revert WrongRoot(root, oldRoot);
        uint256[BATCH + 3] memory input;
        input[0] = domain();
        input[1] = oldRoot;
        for (uint256 i = 0; i < BATCH; i++) input[i + 2] = words[i];
        input[BATCH + 2] = newRoot;
        if (!verifier.verifyTx(proof, input)) revert ProofRefused();
        root = newRoot;
        emit Settled(height++, oldRoot, newRoot);
    }
}
