package bn254

// primeOrderG1 says that every point of the curve is in G1.
const primeOrderG1 = true

// otherRoot is the root of unity that bellman uses.
const otherRoot = "1748695177688661943023146337482803886740723238769601073607632802312037301404"
