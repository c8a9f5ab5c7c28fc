package worker

import (
	"runtime/metrics"
	"sync"
	"time"

	"provery/internal/scratch"
)

// heapRange bounds the memory that something took at its peak. What was lent
// outside of the heap is known; of the heap the collector doesn't say what is
// needed at a moment: what it found alive is a lower bound, what wasn't swept away
// an upper one.
type heapRange struct{ least, most int64 }

// samplePause is the time between two looks at the heap.
const samplePause = 20 * time.Millisecond

// sampler watches the memory in a goroutine of its own.
type sampler struct {
	stop  chan struct{}
	wg    sync.WaitGroup
	base  int64 // alive and lent at the start
	meter *scratch.Meter
	peak  heapRange
	heap  int64 // the most that wasn't swept
}

// sampleHeap begins to watch.
func sampleHeap() *sampler {
	s := &sampler{stop: make(chan struct{}), meter: scratch.NewMeter()}
	s.base = heapNow().least + scratch.Lent()
	s.wg.Go(func() {
		tick := time.NewTicker(samplePause)
		defer tick.Stop()
		for {
			s.look()
			select {
			case <-tick.C:
			case <-s.stop:
				s.look()
				return
			}
		}
	})
	return s
}

func (s *sampler) look() {
	h := heapNow()
	s.peak.least, s.heap = max(s.peak.least, h.least+scratch.Lent()), max(s.heap, h.most)
}

// end stops watching and returns what the process took beyond what was alive
// at the start.
func (s *sampler) end() heapRange {
	close(s.stop)
	s.wg.Wait()
	s.peak.most = s.heap + s.meter.Stop()
	return heapRange{least: max(0, s.peak.least-s.base), most: max(0, s.peak.most-s.base)}
}

// heapNow returns what the last collection found alive, and what the heap holds
// that wasn't swept.
func heapNow() heapRange {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(samples)
	value := func(i int) int64 {
		if samples[i].Value.Kind() != metrics.KindUint64 {
			return 0
		}
		return int64(samples[i].Value.Uint64())
	}
	return heapRange{value(0), value(1)}
}
