package repository

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"sort"
	"sync"

	"sigs.k8s.io/kustomize/kyaml/filesys"

	"modelyard.dev/render/internal/protocol"
)

// View is the file system that one target's build sees. It remembers what was read.
type View struct {
	repository *Repository
	replaced   map[string][]byte
	mutex      sync.Mutex
	inputs     map[string]bool
	absent     map[string]bool
	refusal    *protocol.Error
}

var _ filesys.FileSystem = (*View)(nil)

var errReadOnly = errors.New("a repository is only read while it is rendered")

// NewView returns a view that has read nothing yet.
func (r *Repository) NewView() *View {
	return &View{repository: r, replaced: map[string][]byte{}, inputs: map[string]bool{}, absent: map[string]bool{}}
}

// Replace gives a file another content in this view, by its real path.
func (v *View) Replace(real string, content []byte) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	v.replaced[real] = content
}

// Inputs returns the real paths of all files that were read, sorted.
func (v *View) Inputs() []string { return v.sorted(v.inputs) }

// Absent returns the paths that were looked for in vain, sorted: what a build yields may change when one appears.
func (v *View) Absent() []string { return v.sorted(v.absent) }

// Refusal returns the first reason for which a path was refused, nil when none was.
func (v *View) Refusal() *protocol.Error {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	return v.refusal
}

func (v *View) sorted(set map[string]bool) []string {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	paths := make([]string, 0, len(set))
	for path := range set {
		paths = append(paths, path)
	}
	sort.Strings(paths)
	return paths
}

// Read returns the content of a file by its path relative to the repository and remembers that it was read.
func (v *View) Read(relative string) ([]byte, error) {
	real, _, err := v.Real(relative)
	if err != nil {
		return nil, err
	}
	content, err := v.repository.Read(real)
	if err != nil {
		v.note(relative, err)
		return nil, err
	}
	v.mutex.Lock()
	defer v.mutex.Unlock()
	v.inputs[real] = true
	if other, found := v.replaced[real]; found {
		return other, nil
	}
	return content, nil
}

// Real resolves a path's links and remembers a path that does not exist.
func (v *View) Real(relative string) (string, bool, error) {
	real, folder, err := v.repository.Real(relative)
	if err != nil {
		v.note(relative, err)
	}
	return real, folder, err
}

func (v *View) note(relative string, err error) {
	var refusal *protocol.Error
	if !errors.As(err, &refusal) {
		return
	}
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if refusal.Kind == protocol.KindMissing {
		v.absent[path.Clean(relative)] = true
	} else if v.refusal == nil {
		v.refusal = refusal
	}
}

func (v *View) real(mounted string) (string, bool, error) {
	relative, err := Relative(mounted)
	if err != nil {
		v.note(mounted, err)
		return "", false, err
	}
	return v.Real(relative)
}

// ReadFile implements filesys.FileSystem.
func (v *View) ReadFile(mounted string) ([]byte, error) {
	relative, err := Relative(mounted)
	if err != nil {
		v.note(mounted, err)
		return nil, err
	}
	content, err := v.Read(relative)
	if err != nil {
		return nil, err
	}
	// Kustomize may keep and change what it reads; the cached content serves other targets too.
	return bytes.Clone(content), nil
}

// CleanedAbs implements filesys.FileSystem.
func (v *View) CleanedAbs(mounted string) (filesys.ConfirmedDir, string, error) {
	real, folder, err := v.real(mounted)
	if err != nil {
		return "", "", err
	}
	absolute := path.Join(Mount, real)
	if folder {
		return filesys.ConfirmedDir(absolute), "", nil
	}
	return filesys.ConfirmedDir(path.Dir(absolute)), path.Base(absolute), nil
}

// IsDir implements filesys.FileSystem.
func (v *View) IsDir(mounted string) bool {
	_, folder, err := v.real(mounted)
	return err == nil && folder
}

// Exists implements filesys.FileSystem.
func (v *View) Exists(mounted string) bool {
	_, _, err := v.real(mounted)
	return err == nil
}

// ReadDir implements filesys.FileSystem; no build of Kustomize lists a folder.
func (v *View) ReadDir(mounted string) ([]string, error) {
	return nil, fmt.Errorf("%s: folders are not listed", mounted)
}

// Glob implements filesys.FileSystem: a build's paths hold no patterns, so one matches itself or nothing.
func (v *View) Glob(pattern string) ([]string, error) {
	if v.Exists(pattern) {
		return []string{pattern}, nil
	}
	return nil, nil
}

// Walk implements filesys.FileSystem; no build of Kustomize walks folders.
func (v *View) Walk(mounted string, _ filepath.WalkFunc) error {
	return fmt.Errorf("%s: folders are not walked", mounted)
}

// Open implements filesys.FileSystem; builds use ReadFile.
func (v *View) Open(string) (filesys.File, error) { return nil, errReadOnly }

// Create implements filesys.FileSystem.
func (v *View) Create(string) (filesys.File, error) { return nil, errReadOnly }

// Mkdir implements filesys.FileSystem.
func (v *View) Mkdir(string) error { return errReadOnly }

// MkdirAll implements filesys.FileSystem.
func (v *View) MkdirAll(string) error { return errReadOnly }

// RemoveAll implements filesys.FileSystem.
func (v *View) RemoveAll(string) error { return errReadOnly }

// WriteFile implements filesys.FileSystem.
func (v *View) WriteFile(string, []byte) error { return errReadOnly }

func limited(reader io.Reader, most int64) io.Reader { return io.LimitReader(reader, most) }
