pragma circom 2.1.6;

include "circomlib/circuits/poseidon.circom";

component main = Poseidon(3);
