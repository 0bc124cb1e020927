package kustomization

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"sync"

	"modelyard.dev/render/internal/protocol"
)

// Limits of one target's tree of kustomizations.
const (
	maxDepth  = 30
	maxVisits = 5_000
)

// Reader reads files by their path relative to the repository.
type Reader interface {
	Real(relative string) (real string, folder bool, err error)
	Read(relative string) ([]byte, error)
}

// Files keeps parsed kustomizations by real path, for all targets of a run.
type Files struct {
	mutex sync.Mutex
	known map[string]*parsed
}

type parsed struct {
	once sync.Once
	file *File
	err  error
}

// NewFiles returns an empty store.
func NewFiles() *Files { return &Files{known: map[string]*parsed{}} }

func (f *Files) load(reader Reader, name string) (*File, error) {
	content, err := reader.Read(name) // even when it is known: the target reads it
	if err != nil {
		return nil, err
	}
	f.mutex.Lock()
	known := f.known[name]
	if known == nil {
		known = &parsed{}
		f.known[name] = known
	}
	f.mutex.Unlock()
	known.once.Do(func() { known.file, known.err = Parse(name, content) })
	return known.file, known.err
}

// Tree is what one target reads.
type Tree struct {
	Root        *File
	UsesOpenAPI bool
}

type walk struct {
	files  *Files
	reader Reader
	tree   Tree
	above  []*File
	visits int
}

// Walk follows everything that a target names and refuses what may not be built.
func (f *Files) Walk(reader Reader, target string) (*Tree, error) {
	if path.IsAbs(target) || leavesRepository(".", target) {
		return nil, &protocol.Error{
			Kind: protocol.KindOutside, Message: target + " lies outside the repository",
			Fix: "name a folder of the repository by its path relative to the root",
		}
	}
	walking := &walk{files: f, reader: reader}
	root, err := walking.folder(path.Clean(target), nil, nil)
	walking.tree.Root = root
	return &walking.tree, err
}

func (w *walk) folder(folder string, namedBy *File, entry *Entry) (*File, error) {
	real, isFolder, err := w.reader.Real(folder)
	if err != nil {
		return nil, located(err, namedBy, entry)
	}
	if !isFolder {
		return nil, located(&protocol.Error{
			Kind: protocol.KindMissing, Message: folder + " is a file, where a folder with a kustomization belongs",
		}, namedBy, entry)
	}
	name, err := w.kustomizationOf(real, folder)
	if err != nil {
		return nil, located(err, namedBy, entry)
	}
	if err := w.cycleOrDepth(real, namedBy, entry); err != nil {
		return nil, err
	}
	file, err := w.files.load(w.reader, name)
	if err != nil {
		return nil, err
	}
	if file.Refused != nil {
		return nil, file.Refused
	}
	if err := mismatch(file, namedBy, entry); err != nil {
		return nil, err
	}
	w.tree.UsesOpenAPI = w.tree.UsesOpenAPI || file.UsesOpenAPI
	w.above = append(w.above, file)
	defer func() { w.above = w.above[:len(w.above)-1] }()
	for index := range file.Entries {
		if err := w.entry(file, &file.Entries[index]); err != nil {
			return nil, err
		}
	}
	return file, nil
}

func (w *walk) entry(file *File, entry *Entry) error {
	named := path.Join(file.Folder(), entry.Value)
	real, isFolder, err := w.reader.Real(named)
	if err != nil {
		return located(err, file, entry)
	}
	switch {
	case isFolder && entry.names&namesFolder != 0:
		if entry.plugin {
			return nil // a build of plugin configurations: Kustomize refuses those that are not its own
		}
		_, err := w.folder(named, file, entry)
		return err
	case isFolder:
		return located(&protocol.Error{
			Kind: protocol.KindMalformed, Message: fmt.Sprintf("%s is a folder, where %s names a file", named, entry.Field),
		}, file, entry)
	case entry.names&namesFile == 0:
		return located(&protocol.Error{
			Kind: protocol.KindMalformed, Message: fmt.Sprintf("%s is a file, where %s names a folder", named, entry.Field),
		}, file, entry)
	}
	if inside := file.Folder(); inside != "." && !strings.HasPrefix(real, inside+"/") {
		return located(&protocol.Error{
			Kind:    protocol.KindOutside,
			Message: fmt.Sprintf("%s names the file %s outside its own folder, which Kustomize refuses", file.Path, real),
			Fix:     "name its folder, with a kustomization in it, or move the file below " + inside,
		}, file, entry)
	}
	content, err := w.reader.Read(named)
	if err != nil {
		return located(err, file, entry)
	}
	if err := CheckAliases(real, content); err != nil && !strings.HasSuffix(entry.Field, ".files") {
		return err
	}
	if entry.plugin {
		if refusal := pluginRefusal(real, 0, content); refusal != nil {
			return refusal
		}
	}
	return nil
}

func (w *walk) kustomizationOf(real, folder string) (string, error) {
	var found []string
	for _, name := range FileNames {
		candidate := path.Join(real, name)
		if _, isFolder, err := w.reader.Real(candidate); err == nil && !isFolder {
			found = append(found, candidate)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", &protocol.Error{
			Kind: protocol.KindMissing, Message: folder + " has no kustomization.yaml",
			Fix: "name a folder with a kustomization.yaml",
		}
	}
	return "", &protocol.Error{
		Kind: protocol.KindMalformed, Message: fmt.Sprintf("%s has several kustomizations: %s", folder, strings.Join(found, ", ")),
		Fix: "keep one of them",
	}
}

func (w *walk) cycleOrDepth(real string, namedBy *File, entry *Entry) error {
	for index, file := range w.above {
		if file.Folder() != real {
			continue
		}
		names := make([]string, 0, len(w.above)-index+1)
		for _, above := range w.above[index:] {
			names = append(names, above.Folder())
		}
		return located(&protocol.Error{
			Kind: protocol.KindCycle, Message: "kustomizations include each other: " + strings.Join(append(names, real), " → "),
			Fix: "break the cycle",
		}, namedBy, entry)
	}
	for _, file := range w.above {
		if real == "." || strings.HasPrefix(file.Folder(), real+"/") {
			return located(&protocol.Error{
				Kind:    protocol.KindCycle,
				Message: fmt.Sprintf("%s includes %s, the folder that it lies in, which Kustomize refuses", namedBy.Path, real),
				Fix:     "move one of them, so that neither lies in the other",
			}, namedBy, entry)
		}
	}
	if w.visits++; w.visits > maxVisits {
		return located(&protocol.Error{
			Kind: protocol.KindDepth, Message: fmt.Sprintf("the target includes more than %d kustomizations", maxVisits),
			Fix: "include each base once",
		}, namedBy, entry)
	}
	if len(w.above) > maxDepth {
		return located(&protocol.Error{
			Kind: protocol.KindDepth, Message: fmt.Sprintf("%s lies more than %d kustomizations deep", real, maxDepth),
			Fix: "include bases with fewer steps between",
		}, namedBy, entry)
	}
	return nil
}

func mismatch(file, namedBy *File, entry *Entry) error {
	if namedBy == nil || file.Component == (entry.Field == "components") {
		return nil
	}
	message, fix := fmt.Sprintf("%s is a Component, which %s cannot list", file.Path, entry.Field), "list it under components"
	if !file.Component {
		message, fix = file.Path+" is not a Component", "list it under resources, or give it kind: Component"
	}
	return located(&protocol.Error{Kind: protocol.KindMalformed, Message: message, Fix: fix}, namedBy, entry)
}

// located says where the offending path is named; that place, not the path itself, is what a user changes.
func located(err error, namedBy *File, entry *Entry) error {
	var known *protocol.Error
	if !errors.As(err, &known) || namedBy == nil {
		return err
	}
	placed := *known
	placed.Path, placed.Line, placed.Column = namedBy.Path, entry.Line, entry.Column
	if placed.Kind == protocol.KindMissing && placed.Fix == "" {
		placed.Fix = "create it or remove the line"
	}
	return &placed
}
