package queue

import "cmp"

// fairer is the order of service without regard to circuits.
func fairer(a, b head) bool {
	if c := cmp.Compare(a.pass, b.pass); c != 0 {
		return c < 0
	}
	return older(a.entry, b.entry)
}

// headHeap orders candidates: hot ones first, then by fairness.
type headHeap []head

// Len implements heap.Interface.
func (s headHeap) Len() int { return len(s) }

// Less implements heap.Interface.
func (s headHeap) Less(i, j int) bool {
	if s[i].hot != s[j].hot {
		return s[i].hot
	}
	return fairer(s[i], s[j])
}

// Swap implements heap.Interface.
func (s headHeap) Swap(i, j int) { s[i], s[j] = s[j], s[i] }

// Push implements heap.Interface.
func (s *headHeap) Push(v any) { *s = append(*s, v.(head)) }

// Pop implements heap.Interface.
func (s *headHeap) Pop() any {
	n := len(*s) - 1
	h := (*s)[n]
	*s = (*s)[:n]
	return h
}
