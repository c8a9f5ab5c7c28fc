package conformance

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"provery/internal/curve"
)

const minPrograms = 60

// TestPrograms checks the folders: enough programs, each with a case that
// succeeds, options that mean something, and a sample that exists.
func TestPrograms(t *testing.T) {
	t.Parallel()
	loaded := loadPrograms(t)
	if len(loaded) < minPrograms {
		t.Errorf("got %d programs, want at least %d", len(loaded), minPrograms)
	}
	byName := map[string]*program{}
	for _, p := range loaded {
		byName[p.name] = p
		if !slices.ContainsFunc(p.Cases, func(c testCase) bool { return c.Fails == "" && !c.Refused }) {
			t.Errorf("%s: no case succeeds", p.name)
		}
		for _, name := range p.Curves {
			if id, err := curve.Parse(name); err != nil || id.String() != name {
				t.Errorf("%s: unknown curve %q", p.name, name)
			}
		}
		if p.Large && !p.compilesFor(curve.BN128) {
			t.Errorf("%s: large programs run on bn128, which it doesn't compile for", p.name)
		}
	}
	for id, names := range sample {
		for _, name := range names {
			if p := byName[name]; p == nil || !p.compilesFor(id) {
				t.Errorf("sample: no program %s for %v", name, id)
			}
		}
	}
}

// features are what the language and its library offer, as patterns of which
// each must occur in some program.
var features = map[string][]string{
	"types": {
		`\bfield\b`, `\bbool\b`, `\bu8\b`, `\bu16\b`, `\bu32\b`, `\bu64\b`, `\bfield\[[0-9]+\]`, `\]\[`, `\[0\] `, `\(field,\)`, `\(\)`, `\(\(`,
		`struct \w+ \{`, `struct \w+<\w+, \w+>`, `type \w+ =`, `type \w+<`,
	},
	"operators": {
		` \+ `, ` - `, ` \* `, ` / `, ` % `, `\*\*`, ` << `, ` >> `, ` & `, ` \| `, ` \^ `, ` && `, ` \|\| `, `!\w`, ` == `, ` != `,
		` < `, ` <= `, ` > `, ` >= `, `-\w`, `\+\w`, `\? .* : `, `\bif .* \{ .* \} else `, `\.\.\.\w`, `\[\w*\.\.\]`, `\[\.\.\w+\]`, `\[\w+\.\.\w+\]`,
	},
	"literals":   {`0x[0-9a-f]{2}\b`, `0x[0-9a-f]{4}\b`, `0x[0-9a-f]{8}\b`, `0x[0-9a-f]{16}\b`, `[0-9]u8\b`, `[0-9]_u16\b`, `[0-9]u32\b`, `[0-9]u64\b`, `[0-9]f\b`},
	"statements": {`\bfor u32 \w+ in`, `\bmut\b`, `assert\([^"]*\);`, `assert\(.*, ".+"\);`, `log\("`, `asm \{`, ` <-- `, ` <== `, ` === `, `\breturn;`},
	"functions":  {`::<\w+>`, `::<_, `, `def \w+<\w+>`, `def \w+<\w+, \w+>`, `\bprivate\b`, `\bpublic\b`, `^const `, `^#pragma curve`},
	"imports": {
		`import "\./`, `import "[^".]`, `import "[^"]*" as`, `from "\./`, `from "\.\./`, `import \w+, `, `import \w+ as`,
		`from "EMBED" import`, `\bsha256round\b`, `\bfield_to_bool_unsafe\b`, `\bbit_array_le\b`, `\bFIELD_SIZE_IN_BITS\b`, `import.*\bunpack\b`,
		`\bu8_to_bits\b`, `\bu16_to_bits\b`, `\bu32_to_bits\b`, `\bu64_to_bits\b`, `\bu8_from_bits\b`, `\bu16_from_bits\b`, `\bu32_from_bits\b`, `\bu64_from_bits\b`,
	},
	"library": {
		`"ecc/babyjubjubParams"`, `"ecc/edwardsAdd"`, `"ecc/edwardsCompress"`, `"ecc/edwardsNegate"`, `"ecc/edwardsOnCurve"`, `"ecc/edwardsOrderCheck"`,
		`"ecc/edwardsScalarMult"`, `"ecc/proofOfOwnership"`, `"field"`, `"hashes/blake2/blake2s"`, `"hashes/keccak/256bit"`, `"hashes/mimc7/mimc7"`,
		`"hashes/mimcSponge/mimcFeistel"`, `"hashes/mimcSponge/mimcSponge"`, `"hashes/pedersen/512bit"`, `"hashes/poseidon/poseidon"`, `"hashes/sha256/512bit"`,
		`"hashes/sha256/512bitPadded"`, `"hashes/sha256/sha256"`, `"hashes/sha256/sha256Padded"`, `"hashes/sha256/embed/512bitPacked"`, `"hashes/sha3/256bit"`,
		`"hashes/utils/256bitsDirectionHelper"`, `"utils/casts"`, `"utils/casts/field_to_u\d+"`, `"utils/multiplexer/lookup1bit"`, `"utils/multiplexer/lookup2bit"`,
		`"utils/multiplexer/lookup3bitSigned"`, `"utils/pack/bool/pack"`, `"utils/pack/bool/unpack"`, `"utils/pack/bool/nonStrictUnpack256"`, `"utils/pack/u32/pack"`,
	},
}

// TestCoverage looks for every feature in the programs' sources, less their
// comments.
func TestCoverage(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	err := filepath.WalkDir(programs, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(file) != ".zok" {
			return err
		}
		source, err := os.ReadFile(file)
		for line := range strings.Lines(string(source)) {
			code, _, _ := strings.Cut(line, "//")
			all.WriteString(code + "\n")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for kind, patterns := range features {
		for _, p := range patterns {
			if !regexp.MustCompile("(?m)" + p).MatchString(all.String()) {
				t.Errorf("%s: no program has %s", kind, p)
			}
		}
	}
}
