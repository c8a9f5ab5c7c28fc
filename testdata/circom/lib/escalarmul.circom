pragma circom 2.1.6;

include "circomlib/circuits/escalarmulany.circom";

component main = EscalarMulAny(253);
