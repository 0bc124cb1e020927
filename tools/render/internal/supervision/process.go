package supervision

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"

	"modelyard.dev/render/internal/protocol"
)

const (
	// ExitRefused is the exit status of a program that cannot use its input; the reason is its last line of error.
	ExitRefused = 2

	keptErrorBytes = 64 << 10
)

// Block is all lines of one finished target.
type Block struct {
	ID      string
	Isolate bool
	Lines   []byte
}

// Process is a running worker. Its Blocks are closed when it ends.
type Process struct {
	Blocks  <-chan Block
	command *exec.Cmd
	stdin   io.WriteCloser
	errors  *tail
	ended   chan struct{}
}

// Workers starts this program again and again as its workers.
type Workers struct{ ahead *Process }

// StartAhead starts a first worker, which gets ready while its header is still to come.
func StartAhead() (*Workers, error) {
	process, err := startWorker(false)
	return &Workers{process}, err
}

// Start returns a worker for a header; alone says that it renders one target only.
func (w *Workers) Start(header *protocol.Header, alone bool) (*Process, error) {
	process := w.ahead
	if process == nil || alone {
		var err error
		if process, err = startWorker(alone); err != nil {
			return nil, err
		}
	} else {
		w.ahead = nil
	}
	return process, process.write(header)
}

// Stop ends the first worker if nobody came to need it.
func (w *Workers) Stop() {
	if w.ahead != nil {
		w.ahead.Stop()
	}
}

// startWorker starts a worker, which finds no programs and no proxies: it runs nothing and has nothing to say to a
// network.
func startWorker(alone bool) (*Process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	arguments := []string{"worker"}
	if alone {
		arguments = append(arguments, "--alone")
	}
	command := exec.Command(program, arguments...)
	command.Env = []string{"PATH=", "HOME=/nonexistent", "TMPDIR=" + os.TempDir()}
	command.Dir = "/" // it opens the repository by its absolute path
	return start(command)
}

func start(command *exec.Cmd) (*Process, error) {
	process := &Process{command: command, errors: &tail{}, ended: make(chan struct{})}
	command.Stderr = process.errors
	var err error
	if process.stdin, err = command.StdinPipe(); err != nil {
		return nil, err
	}
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	blocks := make(chan Block)
	process.Blocks = blocks
	go func() {
		collect(output, blocks, process.ended)
		_ = command.Wait() // the status is read from the process state
		close(blocks)
	}()
	return process, nil
}

// collect gathers the lines of each target and passes them on when its last line is there.
func collect(output io.Reader, blocks chan<- Block, ended <-chan struct{}) {
	reader := bufio.NewReaderSize(output, 1<<20)
	var lines bytes.Buffer
	for {
		line, err := reader.ReadBytes('\n')
		if err != nil {
			return // a line without an end is a worker's last breath
		}
		lines.Write(line)
		done, isDone := closing(line)
		if !isDone {
			continue
		}
		block := Block{ID: done.ID, Isolate: done.Isolate, Lines: bytes.Clone(lines.Bytes())}
		lines.Reset()
		select {
		case blocks <- block:
		case <-ended:
			_, _ = io.Copy(io.Discard, reader)
			return
		}
	}
}

// closing decodes a target's last line. Lines of resources are long, so they are told apart by their start.
func closing(line []byte) (done protocol.Done, isDone bool) {
	if !bytes.HasPrefix(line, []byte(`{"done":true,`)) {
		return done, false
	}
	return done, json.Unmarshal(line, &done) == nil
}

// Send hands a target to the worker.
func (p *Process) Send(target protocol.Target) error { return p.write(target) }

func (p *Process) write(value any) error {
	line, err := json.Marshal(value)
	if err != nil {
		return err
	}
	_, err = p.stdin.Write(append(line, '\n'))
	return err
}

// Stop ends the worker and waits for it.
func (p *Process) Stop() {
	select {
	case <-p.ended:
		return
	default:
		close(p.ended)
	}
	_ = p.stdin.Close()
	_ = p.command.Process.Kill()
	for range p.Blocks { //nolint:revive // until it is closed, after the process was waited for
	}
}

// End returns the exit status of a worker whose Blocks are closed, -1 for a signal, and what it said last.
func (p *Process) End() (code int, last string) {
	code = p.command.ProcessState.ExitCode()
	if said := p.errors.reason(); said != "" {
		last = ": " + said
	}
	return code, last
}

// Refused returns why an ended worker could not use its input at all, nil when that is not why it ended.
func (p *Process) Refused() error {
	code, _ := p.End()
	if code != ExitRefused || !p.errors.refusal() {
		return nil
	}
	return errors.New(p.errors.reason())
}

// tail keeps the start of what a process says on its error output; Go puts the reason of a crash first.
type tail struct {
	mutex sync.Mutex
	kept  bytes.Buffer
}

func (t *tail) Write(data []byte) (int, error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if room := keptErrorBytes - t.kept.Len(); room > 0 {
		t.kept.Write(data[:min(room, len(data))])
	}
	return len(data), nil
}

// RefusalPrefix starts the line in which a program says why it cannot use its input.
const RefusalPrefix = "modelyard-render: "

func (t *tail) lines() []string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return strings.Split(t.kept.String(), "\n")
}

func (t *tail) refusal() bool {
	for _, line := range t.lines() {
		if strings.HasPrefix(line, RefusalPrefix) {
			return true
		}
	}
	return false
}

func (t *tail) reason() string {
	for _, line := range t.lines() {
		if rest, found := strings.CutPrefix(line, RefusalPrefix); found {
			return rest
		}
		for _, mark := range []string{"fatal error: ", "panic: ", "runtime: goroutine stack exceeds"} {
			if strings.HasPrefix(line, mark) {
				return fmt.Sprintf("%.200s", line)
			}
		}
	}
	return ""
}
