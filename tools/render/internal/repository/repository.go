// Package repository reads one folder's files and nothing outside it.
//
// Kustomize sees the folder at Mount, whatever its place on disk: no message can show that place, and a path that
// climbs out of the folder is recognised instead of silently meaning something else.
package repository

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"

	"modelyard.dev/render/internal/protocol"
)

// Mount is where Kustomize sees the repository.
const Mount = "/modelyard-repository"

// maxLinks is the number of symbolic links that one path may go through, as on Linux.
const maxLinks = 40

// Repository reads files below one folder. Contents are kept up to a budget; everything else about a path is kept for
// the life of the value, so that the targets of one run see one state.
type Repository struct {
	root         *os.Root
	maxFileBytes int64
	mutex        sync.Mutex
	nodes        map[string]*node
	files        map[string]*file
	budget       int64
}

type node struct {
	real   string
	folder bool
	size   int64
	err    error
}

type file struct {
	once    sync.Once
	content []byte
	err     error
}

// Open opens the repository at a folder. cacheBytes bounds the contents that are kept in memory.
func Open(folder string, maxFileBytes, cacheBytes int64) (*Repository, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	return &Repository{
		root: root, maxFileBytes: maxFileBytes, budget: cacheBytes,
		nodes: map[string]*node{}, files: map[string]*file{},
	}, nil
}

// Relative returns a path below Mount relative to the repository; "." is the repository itself.
func Relative(mounted string) (string, error) {
	cleaned := path.Clean(mounted)
	if cleaned == Mount {
		return ".", nil
	}
	if rest, found := strings.CutPrefix(cleaned, Mount+"/"); found {
		return rest, nil
	}
	return "", &protocol.Error{
		Kind:    protocol.KindOutside,
		Message: fmt.Sprintf("%s lies outside the repository", strings.TrimPrefix(mounted, Mount+"/")),
		Fix:     "keep everything that is rendered in the repository",
	}
}

// Real returns a path with its links resolved, and whether it is a folder.
func (r *Repository) Real(relative string) (real string, folder bool, err error) {
	known := r.lookup(path.Clean(relative))
	return known.real, known.folder, known.err
}

func (r *Repository) lookup(relative string) *node {
	r.mutex.Lock()
	known := r.nodes[relative]
	r.mutex.Unlock()
	if known != nil {
		return known
	}
	known = r.resolve(relative)
	r.mutex.Lock()
	r.nodes[relative] = known
	r.mutex.Unlock()
	return known
}

func (r *Repository) resolve(relative string) *node {
	real, err := r.follow(relative)
	if err != nil {
		return &node{err: err}
	}
	info, err := r.root.Stat(real)
	if err != nil {
		return &node{err: described(relative, err)}
	}
	if !info.IsDir() && !info.Mode().IsRegular() {
		return &node{err: &protocol.Error{
			Kind: protocol.KindMalformed, Message: relative + " is neither a file nor a folder", Path: relative,
		}}
	}
	return &node{real: real, folder: info.IsDir(), size: info.Size()}
}

// follow resolves the links of a path one component at a time; os.Root alone would not tell where they lead.
func (r *Repository) follow(relative string) (string, error) {
	done := "."
	left := strings.Split(relative, "/")
	for links := 0; len(left) > 0; {
		part := left[0]
		left = left[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			if done == "." {
				return "", leadsOut(relative)
			}
			done = path.Dir(done)
			continue
		}
		next := path.Join(done, part)
		info, err := r.root.Lstat(next)
		if err != nil {
			return "", described(relative, err)
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			done = next
			continue
		}
		if links++; links > maxLinks {
			return "", &protocol.Error{
				Kind: protocol.KindCycle, Message: relative + " goes through links that lead to each other", Path: relative,
			}
		}
		destination, err := r.root.Readlink(next)
		if err != nil {
			return "", described(relative, err)
		}
		if path.IsAbs(destination) {
			return "", leadsOut(relative)
		}
		left = append(strings.Split(destination, "/"), left...)
	}
	return done, nil
}

func leadsOut(relative string) error {
	return &protocol.Error{
		Kind: protocol.KindOutside, Message: relative + " leads out of the repository", Path: relative,
		Fix: "copy what it names into the repository; links may not leave it",
	}
}

func described(relative string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &protocol.Error{Kind: protocol.KindMissing, Message: relative + " does not exist", Path: relative}
	}
	reason := err
	var wrapped *fs.PathError
	if errors.As(err, &wrapped) {
		reason = wrapped.Err
	}
	return &protocol.Error{
		Kind: protocol.KindMissing, Message: fmt.Sprintf("%s cannot be read: %v", relative, reason), Path: relative,
	}
}

// Read returns a file's content. The slice is shared: it must not be changed.
func (r *Repository) Read(relative string) ([]byte, error) {
	found := r.lookup(path.Clean(relative))
	if found.err != nil {
		return nil, found.err
	}
	if found.folder {
		return nil, &protocol.Error{Kind: protocol.KindMalformed, Message: relative + " is a folder, not a file", Path: relative}
	}
	if found.size > r.maxFileBytes {
		return nil, tooLarge(relative, found.size, r.maxFileBytes)
	}
	return r.content(found.real, found.size)
}

func (r *Repository) content(real string, size int64) ([]byte, error) {
	r.mutex.Lock()
	known := r.files[real]
	if known == nil {
		known = &file{}
		if r.budget >= size {
			r.budget -= size
			r.files[real] = known
		}
	}
	r.mutex.Unlock()
	known.once.Do(func() { known.content, known.err = r.load(real) })
	return known.content, known.err
}

func (r *Repository) load(real string) ([]byte, error) {
	opened, err := r.root.Open(real)
	if err != nil {
		return nil, described(real, err)
	}
	defer opened.Close()
	var buffer bytes.Buffer
	// A file may grow between the look at its size and the reading.
	read, err := buffer.ReadFrom(limited(opened, r.maxFileBytes+1))
	if err != nil {
		return nil, described(real, err)
	}
	if read > r.maxFileBytes {
		return nil, tooLarge(real, read, r.maxFileBytes)
	}
	return buffer.Bytes(), nil
}

func tooLarge(relative string, size, limit int64) error {
	return &protocol.Error{
		Kind: protocol.KindSize, Path: relative,
		Message: fmt.Sprintf("%s has %.0f MiB, more than the %.0f MiB that are read", relative, mebibytes(size), mebibytes(limit)),
		Fix:     "keep large data out of the repository",
	}
}

func mebibytes(size int64) float64 { return float64(size) / (1 << 20) }
