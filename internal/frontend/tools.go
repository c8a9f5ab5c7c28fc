package frontend

// Tools names the tools that a language's users have beside Provery: keys and
// proofs are written so that these can read them.
type Tools string

// The tools.
const (
	ZoKratesTools Tools = "zokrates"
	SnarkJSTools  Tools = "snarkjs"
)

// ToolsOf returns the tools of a program's language: those that its method
// Tools names, or ZoKrates's if it has none.
func ToolsOf(p Program) Tools {
	if t, ok := p.(interface{ Tools() Tools }); ok {
		return t.Tools()
	}
	return ZoKratesTools
}
