package queue

// subscribe registers a watcher of a job or batch. The caller must unsubscribe
// it.
func (x *index) subscribe(id string) *watcher {
	w := &watcher{id: id, c: make(chan struct{}, 1)}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.watch[id] == nil {
		x.watch[id] = map[*watcher]struct{}{}
	}
	x.watch[id][w] = struct{}{}
	return w
}

func (x *index) unsubscribe(w *watcher) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.watch[w.id], w)
	if len(x.watch[w.id]) == 0 {
		delete(x.watch, w.id)
	}
}

// watchers returns how many watchers are registered.
func (x *index) watchers() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	n := 0
	for _, ws := range x.watch {
		n += len(ws)
	}
	return n
}

// wake tells the watchers of a job or batch. The lock is held.
func (x *index) wake(id string) {
	for w := range x.watch[id] {
		select {
		case w.c <- struct{}{}:
		default: // a token is there already
		}
	}
}
