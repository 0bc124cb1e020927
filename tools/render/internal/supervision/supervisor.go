// Package supervision keeps a run going whatever one target does to the process that renders it.
//
// A worker process renders; the supervisor hands it as many targets as it has goroutines, passes on the lines of each
// target when it is complete, and knows at any time which targets are under way. When the worker dies, those targets
// are tried again one at a time, each in its own process; a target that takes too long costs its worker.
package supervision

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"modelyard.dev/render/internal/protocol"
	"modelyard.dev/render/internal/worker"
)

// Source yields the next target's line; ok is false at the end.
type Source func() (target protocol.Target, ok bool, err error)

// Supervisor runs targets through workers.
type Supervisor struct {
	Header *protocol.Header
	// Start starts a worker for a header; alone says that it renders one target only.
	Start  func(header *protocol.Header, alone bool) (*Process, error)
	Output io.Writer
}

// Run renders all targets of a source. Targets are answered as they come, however long the source waits between them.
func (s *Supervisor) Run(next Source) error {
	ended := make(chan struct{})
	defer close(ended)
	coming := read(next, ended)
	exhausted := false
	for !exhausted {
		var suspects []protocol.Target
		var err error
		if suspects, exhausted, err = s.together(coming); err != nil {
			return err
		}
		for _, target := range suspects {
			if err := s.alone(target); err != nil {
				return err
			}
		}
	}
	return nil
}

// arrival is what a source yielded.
type arrival struct {
	target protocol.Target
	err    error
}

// read passes a source's targets on until it ends, which closes the channel, or somebody else does.
func read(next Source, ended <-chan struct{}) <-chan arrival {
	coming := make(chan arrival)
	go func() {
		defer close(coming)
		for {
			target, ok, err := next()
			if err == nil && !ok {
				return
			}
			select {
			case coming <- arrival{target, err}:
			case <-ended:
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return coming
}

// together feeds one worker until the source ends or the worker does. It returns the targets that are not done.
func (s *Supervisor) together(coming <-chan arrival) (left []protocol.Target, exhausted bool, err error) {
	process, err := s.Start(s.Header, false)
	if err != nil {
		return nil, false, err
	}
	defer process.Stop()
	running := newRunning(s.limit())
	var isolated []protocol.Target
	blocks := process.Blocks
	for {
		if running.count() == 0 { // otherwise time would run out for those that wait meanwhile
			for _, target := range isolated {
				if err := s.alone(target); err != nil {
					return nil, false, err
				}
			}
			isolated = nil
		}
		if exhausted && running.count() == 0 {
			return nil, true, nil
		}
		var more <-chan arrival
		if !exhausted && running.count() < s.Header.Parallel {
			more = coming
		}
		var overdue <-chan time.Time
		if running.count() > 0 {
			overdue = time.After(time.Until(running.deadline()))
		}
		select {
		case came, open := <-more:
			if !open {
				exhausted = true
				continue
			}
			if came.err != nil {
				return nil, false, came.err
			}
			running.add(came.target)
			if process.Send(came.target) != nil {
				left, err = s.ended(process, running)
				return append(left, isolated...), exhausted, err
			}
		case block, open := <-blocks:
			if !open {
				if running.count() == 0 && process.Refused() == nil {
					blocks = nil // the next target finds out, and starts another
					continue
				}
				left, err = s.ended(process, running)
				return append(left, isolated...), exhausted, err
			}
			target := running.remove(block.ID)
			if block.Isolate {
				isolated = append(isolated, target)
			} else if _, err := s.Output.Write(block.Lines); err != nil {
				return nil, false, err
			}
		case <-overdue:
			for _, target := range running.removeOverdue() {
				if err := s.report(target, s.overdue()); err != nil {
					return nil, false, err
				}
			}
			return append(running.targets(), isolated...), exhausted, nil
		}
	}
}

// ended returns what a worker that is gone leaves, or why it could not use its input at all.
func (s *Supervisor) ended(process *Process, running *running) ([]protocol.Target, error) {
	for range process.Blocks { //nolint:revive // until it is closed: what comes is done again
	}
	if problem := process.Refused(); problem != nil {
		return nil, problem
	}
	return running.targets(), nil
}

// alone renders one target in a process of its own, so that whatever happens there is the target's doing.
func (s *Supervisor) alone(target protocol.Target) error {
	header := *s.Header
	header.Parallel = 1
	process, err := s.Start(&header, true)
	if err != nil {
		return err
	}
	defer process.Stop()
	_ = process.Send(target) // a worker that is gone already shows by its closed blocks
	select {
	case block, open := <-process.Blocks:
		if open {
			_, err := s.Output.Write(block.Lines)
			return err
		}
		if problem := process.Refused(); problem != nil {
			return problem
		}
		return s.report(target, s.death(process))
	case <-time.After(s.limit()):
		return s.report(target, s.overdue())
	}
}

func (s *Supervisor) limit() time.Duration {
	return time.Duration(s.Header.TimeoutSeconds * float64(time.Second))
}

func (s *Supervisor) overdue() *protocol.Error {
	return &protocol.Error{
		Kind: protocol.KindTimeout, Message: fmt.Sprintf("rendering took more than %g seconds", s.Header.TimeoutSeconds),
		Fix: "look for bases that are included many times over, or allow more time",
	}
}

func (s *Supervisor) death(process *Process) *protocol.Error {
	code, last := process.End()
	if code == worker.ExitOutOfMemory {
		return &protocol.Error{
			Kind: protocol.KindMemory, Message: fmt.Sprintf("rendering took more than %d MiB of memory", s.Header.MaxMemoryBytes>>20),
			Fix: "look for YAML aliases that multiply, or very large files",
		}
	}
	return &protocol.Error{
		Kind: protocol.KindCrash, Message: fmt.Sprintf("the renderer crashed on it (exit status %d%s)", code, last),
		Fix: "report it with the kustomization that causes it",
	}
}

func (s *Supervisor) report(target protocol.Target, problem *protocol.Error) error {
	problem.Path = target.Path
	line, err := json.Marshal(protocol.Done{
		ID: target.ID, Done: true, Error: problem, Inputs: []string{}, Seconds: s.Header.TimeoutSeconds,
	})
	if err != nil {
		return err
	}
	_, err = s.Output.Write(append(line, '\n'))
	return err
}
