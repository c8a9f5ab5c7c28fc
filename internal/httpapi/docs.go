package httpapi

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
)

// The documentation page: one file for the browser, three for its author.
var (
	//go:embed docs/page.html
	docsHTML []byte
	//go:embed docs/page.css
	docsCSS []byte
	//go:embed docs/page.js
	docsJS []byte
)

// docsPage returns the page with style and script in place, and the content
// security policy that allows just these two, and reading the document.
func docsPage() (page []byte, policy string) {
	page = bytes.Replace(docsHTML, []byte("/* page.css */"), docsCSS, 1)
	page = bytes.Replace(page, []byte("/* page.js */"), docsJS, 1)
	return page, "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; connect-src 'self'; " +
		"style-src " + integrity(docsCSS) + "; script-src " + integrity(docsJS)
}

func integrity(content []byte) string {
	sum := sha256.Sum256(content)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
