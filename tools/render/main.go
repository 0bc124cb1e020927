// Command modelyard-render builds many kustomizations in one go and says of every resource where it comes from and
// whether an API server would take it. It reads and writes JSON lines; docs/reference/render-protocol.md describes them.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"modelyard.dev/render/internal/protocol"
	"modelyard.dev/render/internal/supervision"
	"modelyard.dev/render/internal/worker"
)

const usage = `usage: modelyard-render [version]

Reads a header and one target per line from standard input, as JSON, and writes JSON lines for every target.
docs/reference/render-protocol.md describes both.
`

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(arguments []string, input io.Reader, output, messages io.Writer) int {
	var err error
	switch {
	case len(arguments) == 0:
		err = supervise(input, output)
	case arguments[0] == "version":
		_, err = fmt.Fprintln(output, versions())
	case arguments[0] == "worker":
		err = work(input, output, len(arguments) > 1 && arguments[1] == "--alone")
	default:
		fmt.Fprint(messages, usage)
		return supervision.ExitRefused
	}
	if err != nil {
		fmt.Fprintln(messages, supervision.RefusalPrefix+err.Error())
		return supervision.ExitRefused
	}
	return 0
}

func work(input io.Reader, output io.Writer, alone bool) error {
	refuseNetwork()
	return worker.Run(input, output, alone)
}

func supervise(input io.Reader, output io.Writer) error {
	workers, err := supervision.StartAhead()
	if err != nil {
		return err
	}
	defer workers.Stop()
	lines := bufio.NewScanner(input)
	lines.Buffer(nil, protocol.MaxLineBytes)
	if !lines.Scan() {
		return errors.Join(errors.New("there is no header on standard input"), lines.Err())
	}
	header, err := protocol.ParseHeader(lines.Bytes())
	if err != nil {
		return err
	}
	written := bufio.NewWriterSize(output, 1<<16)
	if err := json.NewEncoder(written).Encode(greeting()); err != nil {
		return err
	}
	supervisor := &supervision.Supervisor{Header: header, Start: workers.Start, Output: flushing{written}}
	seen := map[string]bool{}
	err = supervisor.Run(func() (target protocol.Target, ok bool, err error) {
		if !lines.Scan() {
			return target, false, lines.Err()
		}
		target, err = protocol.ParseTarget(lines.Bytes())
		if err == nil && seen[target.ID] {
			err = fmt.Errorf("two targets have the id %q", target.ID)
		}
		seen[target.ID] = true
		return target, true, err
	})
	return errors.Join(err, written.Flush())
}

// flushing passes every target's lines on at once, so that a reader can work while the next target is rendered.
type flushing struct{ *bufio.Writer }

func (f flushing) Write(lines []byte) (int, error) {
	written, err := f.Writer.Write(lines)
	return written, errors.Join(err, f.Flush())
}
