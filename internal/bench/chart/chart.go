// Package chart draws small charts as SVG.
package chart

import (
	"bytes"
	"fmt"
	"image/color"
	"io"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Series is a value for each of a panel's labels. NaN is no value.
type Series struct {
	Name   string // in the legend; "" for a panel's only series
	Values []float64
}

// Panel is one pair of axes.
type Panel struct {
	Y      string // what the values count, with the unit
	Series []Series
	// Bars stacks the series as bars; otherwise they are lines.
	Bars bool
	// Falling has the legend at the lower left, where lines that fall leave room,
	// instead of at the upper right.
	Falling bool
}

// Chart is panels side by side over the same labels.
type Chart struct {
	Title  string
	X      string // what the labels count
	Labels []string
	Panels []Panel
}

// Sizes, in points.
const (
	height     = 220
	panelWidth = 300
	barWidth   = 16
	fontSize   = 9
	titleSize  = 11
	longLabel  = 8 // characters: longer ones are drawn aslant
)

// palette can be told apart by those who see colours differently, and in print.
var palette = []color.Color{
	color.RGBA{0x1f, 0x5a, 0x96, 0xff}, color.RGBA{0xd5, 0x7a, 0x1e, 0xff}, color.RGBA{0x3c, 0x8d, 0x5a, 0xff}, color.RGBA{0x8a, 0x4f, 0x7d, 0xff},
	color.RGBA{0x55, 0xaa, 0xcc, 0xff}, color.RGBA{0x55, 0x55, 0x55, 0xff},
	color.RGBA{0xb8, 0x32, 0x4c, 0xff},
}

// WriteSVG writes the chart. Series and labels must have one length.
func (c *Chart) WriteSVG(w io.Writer) error {
	if len(c.Panels) == 0 || len(c.Labels) == 0 {
		return fmt.Errorf("chart %q has nothing to draw", c.Title)
	}
	plots := make([]*plot.Plot, len(c.Panels))
	for i := range c.Panels {
		var err error
		if plots[i], err = c.panel(&c.Panels[i]); err != nil {
			return fmt.Errorf("chart %q: %w", c.Title, err)
		}
	}
	plots[0].Title.Text = c.Title
	canvas := vgsvg.New(vg.Length(len(plots))*c.width(), height)
	tiles := draw.Tiles{Rows: 1, Cols: len(plots), PadX: 12, PadTop: 4, PadBottom: 4, PadLeft: 4, PadRight: 12}
	for i, at := range plot.Align([][]*plot.Plot{plots}, tiles, draw.New(canvas))[0] {
		plots[i].Draw(at)
	}
	var text bytes.Buffer
	if _, err := canvas.WriteTo(&text); err != nil {
		return err
	}
	// The font is drawn by the reader's machine, which may have another.
	_, err := w.Write(bytes.ReplaceAll(text.Bytes(), []byte("font-family:Liberation Sans;"), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;")))
	return err
}

// width is a panel's, which grows with the labels.
func (c *Chart) width() vg.Length { return vg.Length(max(panelWidth, 60+48*len(c.Labels))) }

// panel returns a plot of one panel.
func (c *Chart) panel(p *Panel) (*plot.Plot, error) {
	out := plot.New()
	out.BackgroundColor = color.White
	sans := font.Font{Typeface: "Liberation", Variant: "Sans"}
	set := func(to *font.Font, size float64) { *to = sans; to.Size = vg.Length(size) }
	set(&out.Title.TextStyle.Font, titleSize)
	set(&out.Legend.TextStyle.Font, fontSize)
	for _, axis := range []*plot.Axis{&out.X, &out.Y} {
		set(&axis.Label.TextStyle.Font, fontSize)
		set(&axis.Tick.Label.Font, fontSize)
	}
	out.X.Label.Text, out.Y.Label.Text = c.X, p.Y
	out.Legend.Top, out.Legend.Left = !p.Falling, p.Falling
	out.Legend.Padding = 2
	out.NominalX(c.Labels...)
	if slices.ContainsFunc(c.Labels, func(l string) bool { return len(l) > longLabel }) {
		out.X.Tick.Label.Rotation, out.X.Tick.Label.XAlign, out.X.Tick.Label.YAlign = 0.5, draw.XRight, draw.YCenter
	}
	grid := plotter.NewGrid()
	grid.Vertical.Color = nil
	grid.Horizontal.Color = color.Gray{0xdd}
	out.Add(grid)
	highest, err := c.add(out, p)
	if err != nil {
		return nil, err
	}
	out.Y.Min, out.Y.Max = 0, 1.15*highest
	if highest == 0 {
		out.Y.Max = 1
	}
	out.X.Min, out.X.Max = -0.5, float64(len(c.Labels))-0.5
	return out, nil
}

// add adds the series and returns the highest value.
func (c *Chart) add(to *plot.Plot, p *Panel) (highest float64, err error) {
	var below *plotter.BarChart
	sums := make([]float64, len(c.Labels))
	for i, s := range p.Series {
		if len(s.Values) != len(c.Labels) {
			return 0, fmt.Errorf("%d values for %d labels", len(s.Values), len(c.Labels))
		}
		ink := palette[i%len(palette)]
		if !p.Bars {
			for _, v := range s.Values {
				highest = math.Max(highest, orZero(v))
			}
			if err := line(to, s, ink); err != nil {
				return 0, err
			}
			continue
		}
		values := make(plotter.Values, len(s.Values))
		for k, v := range s.Values {
			values[k] = orZero(v)
			sums[k] += values[k]
			highest = math.Max(highest, sums[k])
		}
		bars, err := plotter.NewBarChart(values, barWidth)
		if err != nil {
			return 0, err
		}
		bars.Color, bars.LineStyle.Width = ink, 0
		if below != nil {
			bars.StackOn(below)
		}
		below = bars
		to.Add(bars)
		if s.Name != "" {
			to.Legend.Add(s.Name, bars)
		}
	}
	return highest, nil
}

// line adds a series with a mark at each value.
func line(to *plot.Plot, s Series, ink color.Color) error {
	var at plotter.XYs
	for k, v := range s.Values {
		if !math.IsNaN(v) {
			at = append(at, plotter.XY{X: float64(k), Y: v})
		}
	}
	if len(at) == 0 {
		return nil
	}
	l, marks, err := plotter.NewLinePoints(at)
	if err != nil {
		return err
	}
	l.Color, l.Width = ink, 1.5
	marks.Color, marks.Shape, marks.Radius = ink, draw.CircleGlyph{}, 2.5
	to.Add(l, marks)
	if s.Name != "" {
		to.Legend.Add(s.Name, l, marks)
	}
	return nil
}

func orZero(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}
