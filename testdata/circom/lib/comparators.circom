pragma circom 2.1.6;

include "circomlib/circuits/comparators.circom";

component main = LessThan(64);
