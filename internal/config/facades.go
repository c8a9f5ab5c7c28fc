package config

import (
	"slices"
	"strings"
)

// Facades are the interfaces of other services, for clients that exist.
type Facades struct {
	ZoKratesAPI  ZoKratesAPI  `yaml:"zokrates_api"`
	ProverServer ProverServer `yaml:"prover_server"`
	Rapidsnark   Rapidsnark   `yaml:"rapidsnark"`
}

// ProverServer is the interface of iden3's prover-server: /api/v1/proof/generate,
// /api/v1/proof/verify and /api/v1/status.
type ProverServer struct {
	// Enabled serves it. Default false.
	Enabled bool `yaml:"enabled"`
}

// Rapidsnark is the interface of rapidsnark's proverServer: /input/{circuit},
// /status and /cancel, at the root.
type Rapidsnark struct {
	// Enabled serves it. Default false.
	Enabled bool `yaml:"enabled"`
}

// ZoKratesAPI is the interface of ZoKrates-API. Its routes lie at the root.
type ZoKratesAPI struct {
	// Enabled serves it. Default false.
	Enabled bool `yaml:"enabled"`
	// Scheme is gm17 or g16, for requests that don't name one. Default
	// gm17, which is the only one that ZoKrates-API has.
	Scheme string `yaml:"scheme"`
	// Curve is bn128, bls12_381, bls12_377 or bw6_761, for requests that
	// don't name one. Default bn128, which is the only one that
	// ZoKrates-API has.
	Curve string `yaml:"curve"`
}

func defaultFacades() Facades {
	return Facades{ZoKratesAPI: ZoKratesAPI{Scheme: "gm17", Curve: "bn128"}}
}

func (v *validator) facades(f Facades) {
	schemes := []string{"gm17", "g16", "groth16"}
	curves := []string{"bn128", "bls12_381", "bls12_377", "bw6_761"}
	z := f.ZoKratesAPI
	v.check(slices.Contains(schemes, z.Scheme), "facades.zokrates_api.scheme: one of %s", strings.Join(schemes, ", "))
	v.check(slices.Contains(curves, z.Curve), "facades.zokrates_api.curve: one of %s", strings.Join(curves, ", "))
}
