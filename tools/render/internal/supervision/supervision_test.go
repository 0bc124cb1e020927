package supervision

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"modelyard.dev/render/internal/protocol"
	"modelyard.dev/render/internal/worker"
)

// TestMain turns this test program into a worker that does what its targets' paths say.
func TestMain(m *testing.M) {
	if os.Getenv("PRETEND_WORKER") == "" {
		os.Exit(m.Run())
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Scan()
	alone := os.Getenv("PRETEND_WORKER") == "alone"
	for lines.Scan() {
		var target protocol.Target
		_ = json.Unmarshal(lines.Bytes(), &target)
		go behave(target, alone)
	}
	time.Sleep(20 * time.Millisecond)
}

func behave(target protocol.Target, alone bool) {
	switch target.Path {
	case "crash":
		time.Sleep(30 * time.Millisecond)
		fmt.Fprintln(os.Stderr, "fatal error: stack overflow")
		fmt.Printf(`{"id":"%s","half a line`, target.ID)
		os.Exit(3)
	case "memory":
		os.Exit(worker.ExitOutOfMemory)
	case "slow":
		time.Sleep(time.Hour)
	case "isolate":
		if !alone {
			fmt.Printf(`{"done":true,"id":%q,"isolate":true}`+"\n", target.ID)
			return
		}
	case "refuse":
		fmt.Fprintln(os.Stderr, RefusalPrefix+"no such folder")
		os.Exit(ExitRefused)
	}
	if target.Path == "die idle" {
		defer os.Exit(3)
	}
	time.Sleep(5 * time.Millisecond)
	fmt.Printf(`{"id":%q,"object":{}}`+"\n"+`{"done":true,"id":%q,"inputs":[]}`+"\n", target.ID, target.ID)
}

// pretending starts this test program as a worker that does what the paths of its targets say.
func pretending(program string) func(*protocol.Header, bool) (*Process, error) {
	return func(header *protocol.Header, alone bool) (*Process, error) {
		command := exec.Command(program)
		command.Env = []string{"PRETEND_WORKER=together"}
		if alone {
			command.Env = []string{"PRETEND_WORKER=alone"}
		}
		process, err := start(command)
		if err != nil {
			return nil, err
		}
		return process, process.write(header)
	}
}

func supervise(t *testing.T, paths ...string) (map[string]protocol.Done, error) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var output bytes.Buffer
	supervisor := &Supervisor{
		Header: &protocol.Header{Version: 2, Root: t.TempDir(), Parallel: 3, TimeoutSeconds: 0.6, MaxMemoryBytes: 1 << 20},
		Output: &output,
		Start:  pretending(program),
	}
	number := 0
	err = supervisor.Run(func() (target protocol.Target, ok bool, err error) {
		if number == len(paths) {
			return target, false, nil
		}
		number++
		return protocol.Target{ID: fmt.Sprint(number, `,"`), Path: paths[number-1]}, true, nil
	})
	found := map[string]protocol.Done{}
	for line := range strings.Lines(output.String()) {
		if !strings.HasPrefix(line, `{"done"`) {
			continue
		}
		var done protocol.Done
		if err := json.Unmarshal([]byte(line), &done); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		var index int
		_, _ = fmt.Sscan(done.ID, &index)
		if _, twice := found[paths[index-1]+fmt.Sprint(index)]; twice {
			t.Errorf("%s is answered twice", done.ID)
		}
		found[paths[index-1]+fmt.Sprint(index)] = done
	}
	return found, err
}

func TestOneTargetsEndIsItsOwn(t *testing.T) {
	paths := []string{"good", "crash", "good", "isolate", "slow", "good", "memory", "good", "good", "crash"}
	found, err := supervise(t, paths...)
	if err != nil {
		t.Fatal(err)
	}
	for number, path := range paths {
		done, answered := found[path+fmt.Sprint(number+1)]
		want := map[string]string{"crash": protocol.KindCrash, "slow": protocol.KindTimeout, "memory": protocol.KindMemory}[path]
		got := ""
		if done.Error != nil {
			got = done.Error.Kind
			if done.Error.Path != path {
				t.Errorf("%s: path %q", path, done.Error.Path)
			}
		}
		if !answered || got != want {
			t.Errorf("%s %d: answered %v, error %q, not %q", path, number+1, answered, got, want)
		}
		if path == "crash" && answered && !strings.Contains(done.Error.Message, "exit status 3: fatal error: stack overflow") {
			t.Error(done.Error.Message)
		}
	}
}

func TestAWorkerThatRefusesItsInputEndsTheRun(t *testing.T) {
	if _, err := supervise(t, "refuse"); err == nil || err.Error() != "no such folder" {
		t.Errorf("%v", err)
	}
}

func TestNoTargets(t *testing.T) {
	if found, err := supervise(t); err != nil || len(found) > 0 {
		t.Errorf("%v %v", found, err)
	}
}

// A reader may ask for one target, wait for its answer, and ask for the next; also after the worker died meanwhile.
func TestTargetsAreAnsweredWhileTheSourceWaits(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	reading, writing := io.Pipe()
	asked := make(chan protocol.Target)
	supervisor := &Supervisor{
		Header: &protocol.Header{Version: 2, Root: t.TempDir(), Parallel: 3, TimeoutSeconds: 5, MaxMemoryBytes: 1 << 20},
		Output: writing,
		Start:  pretending(program),
	}
	ended := make(chan error)
	go func() {
		ended <- supervisor.Run(func() (protocol.Target, bool, error) {
			target, open := <-asked
			return target, open, nil
		})
		writing.Close()
	}()
	answers := bufio.NewScanner(reading)
	for number, path := range []string{"good", "isolate", "die idle", "good", "crash", "good"} {
		id := fmt.Sprint(number)
		asked <- protocol.Target{ID: id, Path: path}
		for answers.Scan() {
			if done, isDone := closing(answers.Bytes()); isDone {
				if done.ID != id {
					t.Errorf("%s is answered when %s was asked", done.ID, id)
				}
				break
			}
		}
		time.Sleep(40 * time.Millisecond)
	}
	close(asked)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
