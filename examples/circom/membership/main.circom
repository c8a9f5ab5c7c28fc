pragma circom 2.1.6;

include "circomlib/circuits/mux1.circom";
include "circomlib/circuits/poseidon.circom";

// Proves that the holder of a secret is a member of a group: the leaf
// Poseidon(secret) is in the Merkle tree of a public root. The nullifier,
// Poseidon(secret, topic), lets a verifier notice the same member acting twice
// on one topic without learning which member it is.
template Membership(depth) {
    signal input secret;
    signal input siblings[depth];
    signal input right[depth]; // 1 where the path's node is a right child
    signal input topic;
    signal output root;
    signal output nullifier;

    component leaf = Poseidon(1);
    leaf.inputs[0] <== secret;

    signal nodes[depth + 1];
    nodes[0] <== leaf.out;
    component order[depth];
    component parent[depth];
    for (var i = 0; i < depth; i++) {
        right[i] * (1 - right[i]) === 0;
        order[i] = MultiMux1(2);
        order[i].c[0][0] <== nodes[i];
        order[i].c[0][1] <== siblings[i];
        order[i].c[1][0] <== siblings[i];
        order[i].c[1][1] <== nodes[i];
        order[i].s <== right[i];
        parent[i] = Poseidon(2);
        parent[i].inputs[0] <== order[i].out[0];
        parent[i].inputs[1] <== order[i].out[1];
        nodes[i + 1] <== parent[i].out;
    }
    root <== nodes[depth];

    component mark = Poseidon(2);
    mark.inputs[0] <== secret;
    mark.inputs[1] <== topic;
    nullifier <== mark.out;
}

component main {public [topic]} = Membership(20);
