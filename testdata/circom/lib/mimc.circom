pragma circom 2.1.6;

include "circomlib/circuits/mimcsponge.circom";

component main = MiMCSponge(2, 220, 1);
