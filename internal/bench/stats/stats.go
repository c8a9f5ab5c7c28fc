// Package stats describes samples of measurements and compares two of them
// without assuming how they are distributed.
package stats

import (
	"math"
	"slices"
)

// Level is the confidence that intervals have where the sample is large enough.
const Level = 0.95

// Interval is a range that covers a true value with a probability.
type Interval struct {
	Low, High float64
	// Confidence is the probability, Level or a little more; less for
	// samples that are too small for it, 0 for a single value.
	Confidence float64
}

// Contains reports whether v lies within the interval.
func (i Interval) Contains(v float64) bool { return i.Low <= v && v <= i.High }

// Sure reports whether the interval reaches Level.
func (i Interval) Sure() bool { return i.Confidence >= Level }

// Summary describes a sample.
type Summary struct {
	N                int
	Min, Median, Max float64
	// Interval is one for the median of what the sample was drawn from.
	Interval Interval
}

// Summarize describes v, which it leaves as it is. An empty sample gives the
// zero Summary.
func Summarize(v []float64) Summary {
	n := len(v)
	if n == 0 {
		return Summary{}
	}
	s := slices.Sorted(slices.Values(v))
	// The true median lies below the k-th smallest value as often as fewer
	// than k of n coins show heads.
	weights := make([]float64, n+1)
	for i := range weights {
		weights[i] = binomial(n, i)
	}
	return Summary{N: n, Min: s[0], Median: Median(s), Max: s[n-1], Interval: interval(s, weights)}
}

// Median returns the middle of sorted values, or the mean of the two in the
// middle; 0 of none.
func Median(sorted []float64) float64 {
	n := len(sorted)
	switch {
	case n == 0:
		return 0
	case n%2 == 1:
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}

// Ratio estimates the factor from the values of a to those of b by the median
// of all ratios b[j]/a[i], with the interval that the Mann-Whitney test gives:
// it contains 1 if that test finds no difference. Values must be positive. An
// empty sample gives NaN.
func Ratio(a, b []float64) (float64, Interval) {
	if len(a) == 0 || len(b) == 0 {
		return math.NaN(), Interval{Low: math.NaN(), High: math.NaN()}
	}
	ratios := make([]float64, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			ratios = append(ratios, y/x)
		}
	}
	slices.Sort(ratios)
	return Median(ratios), interval(ratios, ranks(len(a), len(b)))
}

// interval returns the narrowest interval between the k-th smallest and the
// k-th largest of the sorted values that reaches Level, or else the one of
// k = 1. weights[i] is proportional to the probability that exactly i of the
// values lie below the true one.
func interval(sorted, weights []float64) Interval {
	total, below := 0.0, 0.0
	for _, w := range weights {
		total += w
	}
	out := Interval{Low: sorted[0], High: sorted[len(sorted)-1], Confidence: max(0, 1-2*weights[0]/total)}
	for k := 0; k < len(sorted)-1-k; k++ {
		below += weights[k]
		confidence := 1 - 2*below/total
		if confidence < Level {
			break
		}
		out = Interval{Low: sorted[k], High: sorted[len(sorted)-1-k], Confidence: confidence}
	}
	return out
}

// binomial returns n over k.
func binomial(n, k int) float64 {
	b := 1.0
	for i := 1; i <= k; i++ {
		b = b * float64(n-k+i) / float64(i)
	}
	return b
}

// ranks returns, for u from 0 to m·n, in how many of the orders of m and n
// distinct values exactly u pairs are the wrong way round.
func ranks(m, n int) []float64 {
	// count[j][u] for i values of the one kind and j of the other. The largest
	// of i+j values is of the one kind, with j pairs, or of the other.
	count := make([][]float64, n+1)
	for j := range count {
		count[j] = []float64{1}
	}
	for i := 1; i <= m; i++ {
		next := make([][]float64, n+1)
		next[0] = []float64{1}
		for j := 1; j <= n; j++ {
			next[j] = make([]float64, i*j+1)
			for u, c := range count[j] {
				next[j][u+j] += c
			}
			for u, c := range next[j-1] {
				next[j][u] += c
			}
		}
		count = next
	}
	return count[n]
}
