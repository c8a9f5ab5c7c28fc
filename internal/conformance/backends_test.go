package conformance

import (
	"slices"

	"provery/internal/curve"
	"provery/internal/peer"
	"provery/internal/scheme"
	"provery/internal/scheme/gm17"
	"provery/internal/scheme/groth16"
)

// backend is a scheme with a key layout, as both sides name it.
type backend struct {
	column  string // its name in the table
	scheme  string // zokrates-js's name
	layout  scheme.Layout
	curves  []curve.ID
	create  func(curve.ID) (scheme.Backend, error)
	exports bool // keys of our own are exported in the layout
	dense   bool // there are no keys for programs with private values in no constraint
}

// backends are all that both sides know.
var backends = []backend{
	{column: "g16", scheme: "g16", layout: scheme.LayoutArk, curves: curve.All(), create: groth16.New, exports: true},
	{column: "gm17", scheme: "gm17", layout: scheme.LayoutArk, curves: curve.All(), create: gm17.New, exports: true},
	{column: "g16b", scheme: "g16", layout: scheme.LayoutBellman, curves: []curve.ID{curve.BN128}, create: groth16.New, dense: true},
}

// maxConstraints bounds, by curve, the programs that proofs are made for: a
// proof of zokrates-js takes about a millisecond for each constraint on bn128
// and several on the larger curves.
var maxConstraints = map[curve.ID]int{
	curve.BN128:    4000,
	curve.BLS12381: 1500,
	curve.BLS12377: 1500,
	curve.BW6761:   500,
}

func (b *backend) on(id curve.ID) bool { return slices.Contains(b.curves, id) }

func (b *backend) suite(id curve.ID) peer.Suite {
	return peer.Suite{Curve: id.String(), Backend: string(b.layout), Scheme: b.scheme}
}

// folder is where the backend's files lie beside a program.
func (b *backend) folder() string { return string(b.layout) + "-" + b.scheme }
