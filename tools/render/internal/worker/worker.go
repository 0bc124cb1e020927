// Package worker renders and judges targets inside one process. A supervisor feeds it and outlives it.
package worker

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/kustomize/kyaml/openapi"

	"modelyard.dev/render/internal/build"
	"modelyard.dev/render/internal/charts"
	"modelyard.dev/render/internal/kustomization"
	"modelyard.dev/render/internal/protocol"
	"modelyard.dev/render/internal/repository"
	"modelyard.dev/render/internal/validation"
)

const (
	// ExitOutOfMemory is the exit status of a worker that took more memory than the header allows.
	ExitOutOfMemory = 86

	cachedBytes   = 64 << 20
	softHeapBytes = 160 << 20
	garbageTarget = 400 // per cent: a run is short, and its live heap small
	deepestStack  = 64 << 20
	memoryChecks  = 50 * time.Millisecond
)

// Run reads a header and targets and writes their lines until the input ends. alone says that this process renders
// nothing else afterwards.
func Run(input io.Reader, output io.Writer, alone bool) error {
	debug.SetGCPercent(garbageTarget)
	debug.SetMemoryLimit(softHeapBytes)
	debug.SetMaxStack(deepestStack)
	var ready sync.WaitGroup
	if !alone { // a target that is rendered alone may bring a schema of its own
		// Kustomize parses its schema when it first needs it, which is not safe with several goroutines, and takes a
		// third of the time of a first rendering.
		ready.Go(func() { openapi.Schema() })
	}
	lines := bufio.NewScanner(input)
	lines.Buffer(nil, protocol.MaxLineBytes)
	if !lines.Scan() {
		return errors.New("there is no header")
	}
	header, err := protocol.ParseHeader(lines.Bytes())
	if err != nil {
		return err
	}
	job, err := newJob(header, output, alone)
	if err != nil {
		return err
	}
	go watchMemory(header.MaxMemoryBytes)
	ready.Wait()
	targets := make(chan protocol.Target)
	var working sync.WaitGroup
	for range header.Parallel {
		working.Go(func() {
			for target := range targets {
				job.render(target)
			}
		})
	}
	for lines.Scan() {
		target, err := protocol.ParseTarget(lines.Bytes())
		if err != nil {
			return err
		}
		targets <- target
	}
	close(targets)
	working.Wait()
	return errors.Join(lines.Err(), job.failure)
}

type job struct {
	builder   *build.Builder
	validator *validation.Validator
	mutex     sync.Mutex
	output    io.Writer
	failure   error
}

func newJob(header *protocol.Header, output io.Writer, alone bool) (*job, error) {
	files, err := repository.Open(header.Root, header.MaxFileBytes, cachedBytes)
	if err != nil {
		return nil, fmt.Errorf("the repository cannot be opened: %w", err)
	}
	validator, err := validation.New(header)
	if err != nil {
		return nil, err
	}
	return &job{
		builder: &build.Builder{
			Repository: files, Files: kustomization.NewFiles(), MaxResources: header.MaxResources, Alone: alone,
		},
		validator: validator,
		output:    output,
	}, nil
}

// watchMemory ends the process when its heap outgrows the limit: one hostile target must not take the machine's memory.
func watchMemory(most int64) {
	var statistics runtime.MemStats
	for range time.Tick(memoryChecks) {
		runtime.ReadMemStats(&statistics)
		if statistics.HeapAlloc > uint64(most) {
			os.Exit(ExitOutOfMemory)
		}
	}
}

// render writes all lines of a target at once, so that those of two targets never mix.
func (j *job) render(target protocol.Target) {
	started := time.Now()
	result, err := j.built(target)
	var lines bytes.Buffer
	done := protocol.Done{ID: target.ID, Done: true, Inputs: result.Inputs, Absent: result.Absent}
	if err == nil {
		err = j.encode(&lines, target, result.Resources)
		done.Resources = len(result.Resources)
	}
	if err != nil {
		lines.Reset()
		done.Resources = 0
		done.Isolate = errors.Is(err, build.ErrIsolate)
		done.Error = described(err, target)
	}
	if done.Inputs == nil {
		done.Inputs = []string{}
	}
	done.Seconds = time.Since(started).Seconds()
	if err := encoderTo(&lines).Encode(done); err != nil {
		j.fail(err)
		return
	}
	j.write(lines.Bytes())
}

func (j *job) built(target protocol.Target) (result build.Result, err error) {
	if target.Chart == nil {
		return j.builder.Build(target.Path)
	}
	result.Resources, err = charts.Render(target.Chart, protocol.ModuleVersion("helm.sh/helm/v4"), j.builder.MaxResources)
	return result, err
}

func described(err error, target protocol.Target) *protocol.Error {
	var known *protocol.Error
	if !errors.As(err, &known) {
		return &protocol.Error{Kind: protocol.KindBuild, Message: err.Error(), Path: path.Clean(target.Path)}
	}
	if known.Path == "" {
		placed := *known
		placed.Path = path.Clean(target.Path)
		return &placed
	}
	return known
}

func (j *job) encode(lines *bytes.Buffer, target protocol.Target, resources []build.Resource) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = build.Crashed(cause, debug.Stack())
		}
	}()
	encoder := encoderTo(lines)
	for index, resource := range resources {
		line := protocol.Resource{
			ID: target.ID, Index: index, Object: resource.Manifest, Origin: resource.Origin, Transformations: resource.Transformations,
		}
		if j.validator != nil {
			var object map[string]any
			if err := utiljson.Unmarshal(resource.Manifest, &object); err != nil {
				return err
			}
			verdict := j.validator.Judge(object)
			line.Schema, line.CEL, line.Duplicates = &verdict.Schema, &verdict.CEL, verdict.Duplicates
		}
		if err := encoder.Encode(line); err != nil {
			return err
		}
	}
	return nil
}

func encoderTo(buffer *bytes.Buffer) *json.Encoder {
	encoder := json.NewEncoder(buffer)
	encoder.SetEscapeHTML(false)
	return encoder
}

func (j *job) write(lines []byte) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	if _, err := j.output.Write(lines); err != nil && j.failure == nil {
		j.failure = err
	}
}

func (j *job) fail(err error) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	if j.failure == nil {
		j.failure = err
	}
}
