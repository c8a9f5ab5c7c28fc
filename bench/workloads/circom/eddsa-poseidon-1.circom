pragma circom 2.0.0;

include "circomlib/circuits/eddsaposeidon.circom";

// Verifies one EdDSA signature on BabyJubJub with Poseidon: what a login or a
// vote proves. With enabled at 0 the signature may be any.
component main {public [enabled, M]} = EdDSAPoseidonVerifier();
