package contract

import (
	"embed"
	"fmt"
	"strings"
	"text/template"

	"provery/internal/fault"
	"provery/internal/scheme"
)

//go:embed template/*.sol.tmpl
var templates embed.FS

// source is what the templates write a contract from.
type source struct {
	Name, Pragma, SPDX         string
	Digest                     word
	BaseModulus, ScalarModulus word
	Key                        keySource
	Inputs                     []inputSource
	SnarkJS                    bool
}

// keySource is the key's points in the form that the contract holds them in.
type keySource struct {
	Constant            g1 // of the constant 1
	Alpha, AlphaNegated g1
	Beta                g2
	GammaNegated        g2
	DeltaNegated        g2 // Groth16
	GammaG1             g1 // GM17
	HNegated            g2 // GM17
	SharedH             bool
}

// inputSource is one public input.
type inputSource struct {
	Place  string // the expression of its address
	Point  g1
	Unused bool // its point is infinity
}

// render writes the contract.
func render(k *verifyingKey, o Options, digest word) (string, error) {
	s := source{
		Name: o.ContractName, Pragma: o.Pragma, SPDX: o.SPDX, Digest: digest, SnarkJS: o.SnarkJS,
		Key: keySource{
			Constant: k.linear[0], Alpha: k.alpha, AlphaNegated: k.alpha.negated(), Beta: k.beta,
			GammaNegated: k.gamma.negated(), DeltaNegated: k.delta.negated(),
			GammaG1: k.gammaG1, HNegated: k.h.negated(), SharedH: k.h == k.gamma,
		},
	}
	baseModulus().FillBytes(s.BaseModulus[:])
	scalarModulus().FillBytes(s.ScalarModulus[:])
	for i, p := range k.linear[1:] {
		place := "input"
		if i > 0 {
			place = fmt.Sprintf("add(input, %#x)", wordBytes*i)
		}
		s.Inputs = append(s.Inputs, inputSource{place, p, p.infinite()})
	}
	t, err := template.New("").Funcs(functions()).ParseFS(templates, "template/*.sol.tmpl")
	if err != nil {
		return "", fault.Wrap(err, fault.Internal, "parse templates")
	}
	name := "groth16"
	if k.scheme == scheme.GM17 {
		name = "gm17"
	}
	var out strings.Builder
	if err := t.ExecuteTemplate(&out, name, s); err != nil {
		return "", fault.Wrap(err, fault.Internal, "fill template")
	}
	return out.String(), nil
}

// functions are the templates' own. Those that write statements indent all lines
// but the first as the body of the contract's function.
func functions() template.FuncMap {
	const nextLine = "\n            "
	store := func(at int, words ...word) string {
		lines := make([]string, len(words))
		for i, w := range words {
			lines[i] = fmt.Sprintf("mstore(%s, %s)", address(at+i*wordBytes), w)
		}
		return strings.Join(lines, nextLine)
	}
	return template.FuncMap{
		"at":       address,
		"hex":      func(n int) string { return fmt.Sprintf("%#x", n) },
		"offset":   func(base, i int) int { return base + i*wordBytes },
		"selector": func(signature string) string { return fmt.Sprintf("%#x", selector(signature)) },
		"putG1":    func(at int, p g1) string { return store(at, p.X, p.Y) },
		"putG2":    func(at int, p g2) string { return store(at, p.X[1], p.X[0], p.Y[1], p.Y[0]) },
		"addTerm": func(at int, p g1, factor string) string {
			return fmt.Sprintf("addTerm(%s, %s, %s, %s)", address(at), p.X, p.Y, factor)
		},
	}
}

// address is the expression of an offset from m, the start of the contract's
// working memory.
func address(offset int) string {
	if offset == 0 {
		return "m"
	}
	return fmt.Sprintf("add(m, %#x)", offset)
}
