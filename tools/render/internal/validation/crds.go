package validation

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// maxDefinitionBytes bounds a file of definitions; the largest published one has 1.5 MB.
const maxDefinitionBytes = 32 << 20

// customKinds finds CustomResourceDefinitions: in folders that are laid out as <folder>/<group>/, from where those that
// name a kind are decoded when it is first seen, and among files and folders of a user's own, which are read whole then.
type customKinds struct {
	folders []string
	mutex   sync.Mutex
	kinds   map[groupKind]*versionsOfKind
	own     func() (map[string][]*apiextensionsv1.CustomResourceDefinition, error)
}

type groupKind struct{ Group, Kind string }

type versionsOfKind struct {
	once     sync.Once
	versions map[string]*customKind
	err      error
}

func indexCRDs(folders, own []string) (*customKinds, error) {
	for _, place := range slices.Concat(folders, own) {
		if _, err := os.Stat(place); err != nil {
			return nil, fmt.Errorf("there are no CRDs at %s", place)
		}
	}
	index := &customKinds{folders: folders, kinds: map[groupKind]*versionsOfKind{}}
	index.own = sync.OnceValues(func() (map[string][]*apiextensionsv1.CustomResourceDefinition, error) {
		byGroup := map[string][]*apiextensionsv1.CustomResourceDefinition{}
		for _, place := range own {
			found, err := definitionsBelow(place)
			if err != nil {
				return nil, err
			}
			for _, each := range found {
				byGroup[each.Spec.Group] = append(byGroup[each.Spec.Group], each)
			}
		}
		return byGroup, nil
	})
	return index, nil
}

// find returns a kind's definition, nil when there is none. An error means that a definition cannot be used.
func (c *customKinds) find(kind groupVersionKind) (*customKind, error) {
	versions, err := c.of(groupKind{kind.Group, kind.Kind})
	return versions[kind.Version], err
}

// versions returns the served apiVersions of a kind in its group.
func (c *customKinds) versions(kind groupVersionKind) []string {
	versions, _ := c.of(groupKind{kind.Group, kind.Kind})
	var found []string
	for _, definition := range versions {
		if definition.version.Served {
			found = append(found, definition.kind.apiVersion())
		}
	}
	slices.Sort(found)
	return found
}

func (c *customKinds) of(kind groupKind) (map[string]*customKind, error) {
	if kind.Group == "" || kind.Group == "." || kind.Group == ".." || strings.ContainsAny(kind.Group, `/\`) {
		return nil, nil
	}
	c.mutex.Lock()
	known := c.kinds[kind]
	if known == nil {
		known = &versionsOfKind{}
		c.kinds[kind] = known
	}
	c.mutex.Unlock()
	known.once.Do(func() { known.versions, known.err = c.load(kind) })
	return known.versions, known.err
}

func (c *customKinds) load(kind groupKind) (map[string]*customKind, error) {
	var definitions []*apiextensionsv1.CustomResourceDefinition
	for _, folder := range c.folders {
		found, err := definitionsIn(filepath.Join(folder, kind.Group), kind.Kind)
		if err != nil {
			return nil, err
		}
		definitions = append(definitions, found...)
	}
	own, err := c.own()
	if err != nil {
		return nil, err
	}
	versions := map[string]*customKind{}
	for _, definition := range append(definitions, own[kind.Group]...) {
		if definition.Spec.Group != kind.Group || definition.Spec.Names.Kind != kind.Kind {
			continue
		}
		for index := range definition.Spec.Versions {
			version := &definition.Spec.Versions[index]
			key := groupVersionKind{kind.Group, version.Name, kind.Kind}
			// A user's own definition comes last and replaces a shipped one.
			versions[version.Name] = &customKind{kind: key, definition: definition, version: version}
		}
	}
	return versions, nil
}

func definitionsBelow(place string) ([]*apiextensionsv1.CustomResourceDefinition, error) {
	var all []*apiextensionsv1.CustomResourceDefinition
	err := filepath.WalkDir(place, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !entry.Type().IsRegular() && file != place {
			return err
		}
		if !hasDefinitions(file) {
			return nil
		}
		found, err := definitionsOf(file, "")
		all = append(all, found...)
		return err
	})
	return all, err
}

func hasDefinitions(file string) bool {
	extension := filepath.Ext(file)
	return extension == ".json" || extension == ".yaml" || extension == ".yml"
}

// definitionsIn returns the definitions of a folder's files that name a kind.
func definitionsIn(folder, kind string) ([]*apiextensionsv1.CustomResourceDefinition, error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []*apiextensionsv1.CustomResourceDefinition
	for _, entry := range entries {
		if entry.IsDir() || !hasDefinitions(entry.Name()) {
			continue
		}
		found, err := definitionsOf(filepath.Join(folder, entry.Name()), kind)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// definitionsOf returns the definitions of a file. One that does not hold the word naming is not decoded.
func definitionsOf(file, naming string) ([]*apiextensionsv1.CustomResourceDefinition, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxDefinitionBytes {
		return nil, fmt.Errorf("%s has %d MiB, more than the %d MiB of a definition that are read", file, info.Size()>>20, maxDefinitionBytes>>20)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if !bytes.Contains(content, []byte("CustomResourceDefinition")) || !bytes.Contains(content, []byte(naming)) {
		return nil, nil
	}
	var all []*apiextensionsv1.CustomResourceDefinition
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(content), 4096)
	for {
		definition := &apiextensionsv1.CustomResourceDefinition{}
		if err := decoder.Decode(definition); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s is not a CustomResourceDefinition: %w", file, err)
		}
		if definition.Kind == "CustomResourceDefinition" {
			all = append(all, definition)
		}
	}
}
