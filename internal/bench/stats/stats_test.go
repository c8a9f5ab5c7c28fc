package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSummarize(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		v    []float64
		want Summary
	}{
		{"none", nil, Summary{}},
		{"one", []float64{7}, Summary{1, 7, 7, 7, Interval{7, 7, 0}}},
		{"two", []float64{3, 1}, Summary{2, 1, 2, 3, Interval{1, 3, 0.5}}},
		{"five are too few", []float64{5, 1, 4, 2, 3}, Summary{5, 1, 3, 5, Interval{1, 5, 0.9375}}},
		{"six reach the level", []float64{6, 5, 1, 4, 2, 3}, Summary{6, 1, 3.5, 6, Interval{1, 6, 1 - 2.0/64}}},
		// 1 - 2·(1+9)/512
		{"nine drop the outermost", []float64{9, 6, 5, 1, 4, 2, 3, 8, 7}, Summary{9, 1, 5, 9, Interval{2, 8, 1 - 20.0/512}}},
	} {
		before := slices.Clone(tc.v)
		if got := Summarize(tc.v); got != tc.want {
			t.Errorf("%s: got %+v, want %+v", tc.name, got, tc.want)
		}
		if !slices.Equal(before, tc.v) {
			t.Errorf("%s: the sample was changed", tc.name)
		}
	}
}

// TestRanks compares the distribution with a count of all orders.
func TestRanks(t *testing.T) {
	t.Parallel()
	for m := 1; m <= 4; m++ {
		for n := 1; n <= 4; n++ {
			want := make([]float64, m*n+1)
			for set := range 1 << (m + n) {
				u, ones := 0, 0
				for bit := range m + n {
					if set>>bit&1 == 1 {
						ones++
					} else {
						u += ones
					}
				}
				if ones == m {
					want[u]++
				}
			}
			if got := ranks(m, n); !slices.Equal(got, want) {
				t.Errorf("%d and %d: got %v, want %v", m, n, got, want)
			}
		}
	}
}

func TestRatio(t *testing.T) {
	t.Parallel()
	base := []float64{100, 101, 102, 103, 104, 105, 106}
	scaled := func(by float64) []float64 {
		var out []float64
		for _, v := range base {
			out = append(out, v*by)
		}
		return out
	}
	for _, tc := range []struct {
		name   string
		a, b   []float64
		ratio  float64
		noise  bool
		unsure bool
	}{
		{"the same", base, base, 1, true, false},
		{"twice", base, scaled(2), 2, false, false},
		{"half", base, scaled(0.5), 0.5, false, false},
		{"within the spread", base, scaled(1.01), 1.01, true, false},
		{"three are too few", base[:3], scaled(2)[:3], 2, false, true},
		{"one and one", base[:1], scaled(2)[:1], 2, false, true},
	} {
		got, i := Ratio(tc.a, tc.b)
		if math.Abs(got-tc.ratio) > 0.005 || i.Contains(1) != tc.noise || i.Sure() == tc.unsure || i.Low > got || got > i.High {
			t.Errorf("%s: got %v in %+v", tc.name, got, i)
		}
	}
	if got, i := Ratio(nil, base); !math.IsNaN(got) || i.Sure() {
		t.Errorf("of nothing: got %v in %+v", got, i)
	}
}

// TestCoverage draws samples whose truth is known: intervals must cover it as
// often as they say.
func TestCoverage(t *testing.T) {
	t.Parallel()
	const draws = 1000
	r := rand.New(rand.NewPCG(1, 2))
	sample := func(n int, scale float64) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = scale * math.Exp(r.NormFloat64()/5) // median: scale
		}
		return v
	}
	for _, n := range []int{5, 7, 20} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			medians, ratios, said, saidRatio := 0, 0, 0.0, 0.0
			for range draws {
				a, b := sample(n, 3), sample(n, 6)
				i := Summarize(a).Interval
				_, j := Ratio(a, b)
				said, saidRatio = i.Confidence, j.Confidence
				if i.Contains(3) {
					medians++
				}
				if j.Contains(2) {
					ratios++
				}
			}
			// Four standard deviations of what was seen.
			for name, c := range map[string]struct {
				seen int
				said float64
			}{"median": {medians, said}, "ratio": {ratios, saidRatio}} {
				seen := float64(c.seen) / draws
				if math.Abs(seen-c.said) > 4*math.Sqrt(c.said*(1-c.said)/draws) {
					t.Errorf("%s: covered in %.3f of the draws, said %.3f", name, seen, c.said)
				}
			}
		})
	}
}
