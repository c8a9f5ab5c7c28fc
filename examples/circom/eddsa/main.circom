pragma circom 2.1.6;

include "circomlib/circuits/eddsaposeidon.circom";

// Proves knowledge of an EdDSA signature over Baby Jubjub, with Poseidon as
// its hash, of a public message by a public key.
component main {public [Ax, Ay, M]} = EdDSAPoseidonVerifier();
