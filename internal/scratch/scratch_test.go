package scratch

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestLentVectorsAreApart lends and returns vectors of all sizes on several
// goroutines; each finds in its own what it wrote there.
func TestLentVectorsAreApart(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	for who := range 4 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(1, uint64(who)))
			var held [][]uint64
			for round := range 400 {
				if len(held) > 0 && rnd.IntN(2) == 0 {
					i := rnd.IntN(len(held))
					for k, v := range held[i] {
						if v != uint64(who)<<32+uint64(len(held[i])) {
							t.Errorf("element %d of %d: got %d", k, len(held[i]), v)
							return
						}
					}
					Return(held[i])
					held = slices.Delete(held, i, i+1)
					continue
				}
				v := Lend[uint64](rnd.IntN(1 << (1 + round%18)))
				for k := range v {
					v[k] = uint64(who)<<32 + uint64(len(v))
				}
				held = append(held, v)
			}
			for _, v := range held {
				Return(v)
			}
		})
	}
	wg.Wait()
}

// TestSegment compares a segment with a list of its pages.
func TestSegment(t *testing.T) {
	t.Parallel()
	const pages = 600
	s := newSegment(pages*pageBytes, pages*pageBytes)
	defer release(s.all)
	rnd := rand.New(rand.NewPCG(2, 2))
	taken := make([]bool, pages)
	lowest := func(n int) int { // by trying
		for at := 0; at+n <= pages; at++ {
			if !slices.Contains(taken[at:at+n], true) {
				return at
			}
		}
		return -1
	}
	mark := func(at, n int, v bool) {
		for i := range n {
			taken[at+i] = v
		}
	}
	type loan struct {
		b  []byte
		at int
	}
	var held []loan
	for range 3000 {
		if rnd.IntN(5) < 2 && len(held) > 0 {
			i := rnd.IntN(len(held))
			l := held[i]
			if !s.put(l.b, 0) {
				t.Fatal("its own memory isn't known")
			}
			mark(l.at, len(l.b)/pageBytes, false)
			held = slices.Delete(held, i, i+1)
			continue
		}
		n := 1 + rnd.IntN(80)
		at := lowest(n)
		b := s.take(n * pageBytes)
		if (b == nil) != (at < 0) {
			t.Fatalf("%d pages: got memory %v, want it %v", n, b != nil, at >= 0)
		}
		if b == nil {
			continue
		}
		if &b[0] != &s.all[at*pageBytes] || len(b) != n*pageBytes || cap(b) != len(b) {
			t.Fatalf("%d pages: not those from %d on", n, at)
		}
		mark(at, n, true)
		held = append(held, loan{b, at})
	}
	for _, l := range held {
		s.put(l.b, 0)
	}
	if want := []span{{0, pages * pageBytes}}; !slices.Equal(s.free, want) {
		t.Errorf("got %v free at the end, want %v", s.free, want)
	}
	if s.put(make([]byte, pageBytes), 0) {
		t.Error("memory of others is taken back")
	}
}

func TestReturnedTwice(t *testing.T) {
	t.Parallel()
	s := newSegment(8*pageBytes, pageBytes)
	defer release(s.all)
	b := s.take(2 * pageBytes)
	s.put(b, 0)
	for name, again := range map[string][]byte{"all": b, "a part": b[pageBytes:]} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s of it was taken back again", name)
				}
			}()
			s.put(again, 0)
		}()
	}
}

// TestClean gives memory back to the system after some collections, but no
// sooner, and not what is lent.
func TestClean(t *testing.T) {
	t.Parallel()
	s := newSegment(16*chunkBytes, chunkBytes)
	defer release(s.all)
	early, held, late := s.take(3*chunkBytes), s.take(2*chunkBytes), s.take(3*chunkBytes)
	for _, b := range [][]byte{early, held, late} {
		for i := range b {
			b[i] = 1
		}
	}
	s.put(early, 5)
	s.put(late, 7)
	if !s.clean(4) || early[0] != 1 || late[0] != 1 {
		t.Error("memory went too soon")
	}
	if !s.clean(5) || late[0] != 1 || held[0] != 1 {
		t.Error("memory went that was given back later, or not at all")
	}
	if s.clean(7) {
		t.Error("memory is left")
	}
	if runtime.GOOS == "linux" && (early[0] != 0 || late[0] != 0 || held[0] != 1) {
		t.Errorf("got %d, %d, %d, want free memory gone and the rest there", early[0], late[0], held[0])
	}
	again := s.take(4 * chunkBytes)
	if again == nil || &again[0] != &late[0] {
		t.Error("free addresses aren't lent again")
	}
}

// TestIdleMemoryGoes waits until the system has back what nobody uses. It isn't
// parallel, since it looks at the memory of all.
func TestIdleMemoryGoes(t *testing.T) {
	v := Lend[byte](8 << 20)
	for i := range v {
		v[i] = 1
	}
	Return(v)
	holds := func() (n int) {
		shared.mu.Lock()
		defer shared.mu.Unlock()
		for _, s := range shared.segments {
			for _, u := range s.used {
				if u != 0 {
					n++
				}
			}
		}
		return n
	}
	for deadline := time.Now().Add(time.Minute); holds() > 0; runtime.Gosched() {
		if runtime.GC(); time.Now().After(deadline) {
			t.Fatalf("%d chunks hold memory", holds())
		}
	}
}

func TestMeter(t *testing.T) {
	before := Lent()
	m := NewMeter()
	v := Lend[uint64](1 << 16)
	w := Lend[uint64](1 << 15)
	Return(v)
	Return(w)
	if got, want := m.Stop()-before, int64(3<<18); got != want {
		t.Errorf("got %d, want %d", got, want)
	}
	if Lent() != before {
		t.Errorf("%d bytes are lent, want %d", Lent(), before)
	}
}

func TestPointersAreRefused(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("got a vector of elements with pointers")
		}
	}()
	Lend[struct{ p [2]*int }](1 << 16)
}

// TestMemory grows memory of both kinds; what is new is 0.
func TestMemory(t *testing.T) {
	dirty := Lend[byte](1 << 20)
	for i := range dirty {
		dirty[i] = 0xff
	}
	Return(dirty)
	before := Lent()
	var m Memory
	written := 0
	for _, size := range []int{0, 1000, 1 << 20, 1<<20 + 1, longMemory, 2 * longMemory} {
		b := m.Reallocate(uint64(size))
		if len(b) != size || cap(b) != size {
			t.Fatalf("got %d bytes, want %d", len(b), size)
		}
		for i := range min(size, 2<<20) {
			if want := byte(0); i >= written && b[i] != want || i < written && b[i] != byte(i%251)+1 {
				t.Fatalf("size %d: byte %d is %d", size, i, b[i])
			}
		}
		for i := range min(size, 2<<20) {
			b[i] = byte(i%251) + 1
		}
		written = min(size, 2<<20)
	}
	if got := m.Reallocate(1 << 62); got != nil {
		t.Error("got more memory than there is")
	}
	m.Free()
	m.Free()
	if Lent() != before {
		t.Errorf("%d bytes are lent, want %d", Lent(), before)
	}
}
