package queue

import "context"

// Watchers returns how many waits are under way.
func Watchers(q *Queue) int { return q.index.watchers() }

// LoseMessage removes a job's message from the work stream.
func LoseMessage(q *Queue, j Job) error { return q.unpost(context.Background(), &record{Job: j}) }
