package chart

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

// texts returns the texts in an SVG file, and how many elements of each kind
// there are. It fails for what isn't XML.
func texts(t *testing.T, svg []byte) (found []string, kinds map[string]int) {
	t.Helper()
	kinds = map[string]int{}
	inText := false
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return found, kinds
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
		switch e := token.(type) {
		case xml.StartElement:
			kinds[e.Name.Local]++
			inText = e.Name.Local == "text"
		case xml.EndElement:
			inText = false
		case xml.CharData:
			if inText {
				found = append(found, string(e))
			}
		}
	}
}

func TestWriteSVG(t *testing.T) {
	t.Parallel()
	c := &Chart{
		Title: "time & memory", X: "processors", Labels: []string{"0.5", "one", "2"},
		Panels: []Panel{
			{Y: "seconds", Series: []Series{{Values: []float64{3, math.NaN(), 1}}}},
			{Y: "GB", Bars: true, Series: []Series{{"heap", []float64{0.1, 0.2, 0.3}}, {"mapped", []float64{0.1, 0.1, math.NaN()}}}},
		},
	}
	var b, again bytes.Buffer
	if err := c.WriteSVG(&b); err != nil {
		t.Fatal(err)
	}
	if err := c.WriteSVG(&again); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Errorf("the same chart gives two files, %v", err)
	}
	found, kinds := texts(t, b.Bytes())
	all := "\n" + strings.Join(found, "\n") + "\n"
	for _, want := range []string{"time & memory", "processors", "0.5", "one", "seconds", "GB", "heap", "mapped"} {
		if !strings.Contains(all, "\n"+want+"\n") {
			t.Errorf("no text %q in %q", want, found)
		}
	}
	if kinds["svg"] != 1 || kinds["path"] < 20 || b.Len() > 64<<10 {
		t.Errorf("got %v in %d bytes", kinds, b.Len())
	}
	if strings.Contains(b.String(), "NaN") || !strings.Contains(b.String(), "sans-serif") {
		t.Errorf("got\n%s", &b)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]*Chart{
		"nothing":   {Title: "x"},
		"no labels": {Panels: []Panel{{}}},
		"lengths":   {Labels: []string{"a"}, Panels: []Panel{{Series: []Series{{Values: []float64{1, 2}}}}}},
	} {
		if err := c.WriteSVG(io.Discard); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
	// All values missing, or 0, is a chart all the same.
	for _, v := range []float64{math.NaN(), 0} {
		c := &Chart{Labels: []string{"a"}, Panels: []Panel{{Series: []Series{{Values: []float64{v}}}}, {Bars: true, Series: []Series{{Values: []float64{v}}}}}}
		if err := c.WriteSVG(io.Discard); err != nil {
			t.Errorf("%v: %v", v, err)
		}
	}
}
