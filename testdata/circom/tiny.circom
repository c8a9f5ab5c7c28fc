pragma circom 2.2.0;

// A circuit with everything that an interface can have: arrays, a public
// input, outputs of both shapes, an assertion and a log.
template Tiny(n) {
    signal input secret[2][n];
    signal input limit;
    signal output sum;
    signal output squares[2];

    signal partial[2][n + 1];
    for (var i = 0; i < 2; i++) {
        partial[i][0] <== 0;
        for (var j = 0; j < n; j++) {
            partial[i][j + 1] <== partial[i][j] + secret[i][j] * secret[i][j];
        }
        squares[i] <== partial[i][n];
    }
    sum <== squares[0] + squares[1];
    log("sum", sum);
    assert(sum < 10000);
    signal product <== sum * limit;
    product === limit * limit;
}

component main {public [limit]} = Tiny(3);
