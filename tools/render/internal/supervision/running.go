package supervision

import (
	"time"

	"modelyard.dev/render/internal/protocol"
)

// running holds the targets that a worker has and has not finished.
type running struct {
	limit   time.Duration
	started map[string]time.Time
	byID    map[string]protocol.Target
}

func newRunning(limit time.Duration) *running {
	return &running{limit: limit, started: map[string]time.Time{}, byID: map[string]protocol.Target{}}
}

func (r *running) count() int { return len(r.byID) }

func (r *running) add(target protocol.Target) {
	r.started[target.ID] = time.Now()
	r.byID[target.ID] = target
}

func (r *running) remove(id string) protocol.Target {
	target := r.byID[id]
	delete(r.byID, id)
	delete(r.started, id)
	return target
}

func (r *running) targets() []protocol.Target {
	all := make([]protocol.Target, 0, len(r.byID))
	for _, target := range r.byID {
		all = append(all, target)
	}
	return all
}

// deadline is when the first of them is overdue.
func (r *running) deadline() time.Time {
	first := time.Now().Add(r.limit)
	for _, started := range r.started {
		if due := started.Add(r.limit); due.Before(first) {
			first = due
		}
	}
	return first
}

func (r *running) removeOverdue() []protocol.Target {
	var overdue []protocol.Target
	now := time.Now()
	for id, started := range r.started {
		if !now.Before(started.Add(r.limit)) {
			overdue = append(overdue, r.remove(id))
		}
	}
	return overdue
}
