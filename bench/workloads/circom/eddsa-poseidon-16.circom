pragma circom 2.0.0;

include "circomlib/circuits/eddsaposeidon.circom";

// Verifies N EdDSA signatures on BabyJubJub with Poseidon, circomlib's way. With
// enabled at 0 a signature may be any: the constraints are the same.
template Signatures(N) {
    signal input enabled;
    signal input Ax[N];
    signal input Ay[N];
    signal input S[N];
    signal input R8x[N];
    signal input R8y[N];
    signal input M[N];

    component verifier[N];
    for (var i = 0; i < N; i++) {
        verifier[i] = EdDSAPoseidonVerifier();
        verifier[i].enabled <== enabled;
        verifier[i].Ax <== Ax[i];
        verifier[i].Ay <== Ay[i];
        verifier[i].S <== S[i];
        verifier[i].R8x <== R8x[i];
        verifier[i].R8y <== R8y[i];
        verifier[i].M <== M[i];
    }
}

component main {public [enabled, M]} = Signatures(16);
