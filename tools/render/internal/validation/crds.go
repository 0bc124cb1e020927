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

// customKinds finds CustomResourceDefinitions: in folders that are laid out as <folder>/<group>/, from where they are
// read when a kind of the group is first seen, and among files and folders of a user's own, which are read whole then.
type customKinds struct {
	folders []string
	mutex   sync.Mutex
	groups  map[string]*groupOfKinds
	own     func() (map[string][]*apiextensionsv1.CustomResourceDefinition, error)
}

type groupOfKinds struct {
	once  sync.Once
	kinds map[groupVersionKind]*customKind
	err   error
}

func indexCRDs(folders, own []string) (*customKinds, error) {
	for _, place := range slices.Concat(folders, own) {
		if _, err := os.Stat(place); err != nil {
			return nil, fmt.Errorf("there are no CRDs at %s", place)
		}
	}
	index := &customKinds{folders: folders, groups: map[string]*groupOfKinds{}}
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
	group, err := c.group(kind.Group)
	return group[kind], err
}

// versions returns the served apiVersions of a kind in its group.
func (c *customKinds) versions(kind groupVersionKind) []string {
	group, _ := c.group(kind.Group)
	var found []string
	for each, definition := range group {
		if each.Kind == kind.Kind && definition.version.Served {
			found = append(found, each.apiVersion())
		}
	}
	slices.Sort(found)
	return found
}

func (c *customKinds) group(name string) (map[groupVersionKind]*customKind, error) {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, `/\`) {
		return nil, nil
	}
	c.mutex.Lock()
	group := c.groups[name]
	if group == nil {
		group = &groupOfKinds{}
		c.groups[name] = group
	}
	c.mutex.Unlock()
	group.once.Do(func() { group.kinds, group.err = c.load(name) })
	return group.kinds, group.err
}

func (c *customKinds) load(group string) (map[groupVersionKind]*customKind, error) {
	var definitions []*apiextensionsv1.CustomResourceDefinition
	for _, folder := range c.folders {
		found, err := definitionsIn(filepath.Join(folder, group))
		if err != nil {
			return nil, err
		}
		definitions = append(definitions, found...)
	}
	own, err := c.own()
	if err != nil {
		return nil, err
	}
	kinds := map[groupVersionKind]*customKind{}
	for _, definition := range append(definitions, own[group]...) {
		if definition.Spec.Group != group {
			continue
		}
		for index := range definition.Spec.Versions {
			version := &definition.Spec.Versions[index]
			key := groupVersionKind{group, version.Name, definition.Spec.Names.Kind}
			// A user's own definition comes last and replaces a shipped one.
			kinds[key] = &customKind{kind: key, definition: definition, version: version}
		}
	}
	return kinds, nil
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
		found, err := definitionsOf(file)
		all = append(all, found...)
		return err
	})
	return all, err
}

func hasDefinitions(file string) bool {
	extension := filepath.Ext(file)
	return extension == ".json" || extension == ".yaml" || extension == ".yml"
}

func definitionsIn(folder string) ([]*apiextensionsv1.CustomResourceDefinition, error) {
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
		found, err := definitionsOf(filepath.Join(folder, entry.Name()))
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

func definitionsOf(file string) ([]*apiextensionsv1.CustomResourceDefinition, error) {
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
	if !bytes.Contains(content, []byte("CustomResourceDefinition")) {
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
