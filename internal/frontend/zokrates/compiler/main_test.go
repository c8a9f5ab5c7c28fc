package compiler

import (
	"testing"

	"provery/internal/frontend/hosting"
	"provery/internal/frontend/hosting/hostingtest"
)

// root is the repository's.
const root = "../../../.."

// TestMain is also the child's main function.
func TestMain(m *testing.M) { hostingtest.Main(m, Language()) }

func open(t testing.TB, cfg hosting.Config) *hosting.Compiler {
	t.Helper()
	return hostingtest.Open(t, root, Language(), cfg)
}
