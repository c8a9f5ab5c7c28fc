pragma circom 2.2.0;
bus Point() { signal x; signal y; }
template Sub() { signal input in; signal output out; out <== in*in; }
template B() {
    input Point() p[2];
    signal input unused;
    signal input k;
    output Point() q;
    signal output o;
    component s = Sub();
    s.in <== k;
    q.x <== p[0].x * p[1].x;
    q.y <== p[0].y + p[1].y;
    o <== s.out;
}
component main {public [k]} = B();
