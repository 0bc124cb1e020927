package validation

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// maxDefinitionBytes bounds a file of definitions; the largest published one has 1.5 MB.
const maxDefinitionBytes = 32 << 20

// customKinds finds CustomResourceDefinitions in folders. Definitions lie in <folder>/<group>/, from where they are read
// when a kind of the group is first seen, or directly in the folder, whose files are all read then.
type customKinds struct {
	folders []string
	mutex   sync.Mutex
	groups  map[string]*groupOfKinds
	loose   func() (map[string][]*apiextensionsv1.CustomResourceDefinition, error)
}

type groupOfKinds struct {
	once  sync.Once
	kinds map[groupVersionKind]*customKind
	err   error
}

func indexCRDs(folders []string) (*customKinds, error) {
	for _, folder := range folders {
		if info, err := os.Stat(folder); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("the folder of CRDs %s does not exist", folder)
		}
	}
	index := &customKinds{folders: folders, groups: map[string]*groupOfKinds{}}
	index.loose = sync.OnceValues(func() (map[string][]*apiextensionsv1.CustomResourceDefinition, error) {
		byGroup := map[string][]*apiextensionsv1.CustomResourceDefinition{}
		for _, folder := range folders {
			found, err := definitionsIn(folder)
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

// find returns a kind's definition, nil when no folder has one. An error means that a definition cannot be used.
func (c *customKinds) find(kind groupVersionKind) (*customKind, error) {
	if len(c.folders) == 0 || kind.Group == "" {
		return nil, nil
	}
	c.mutex.Lock()
	group := c.groups[kind.Group]
	if group == nil {
		group = &groupOfKinds{}
		c.groups[kind.Group] = group
	}
	c.mutex.Unlock()
	group.once.Do(func() { group.kinds, group.err = c.load(kind.Group) })
	if group.err != nil {
		return nil, group.err
	}
	return group.kinds[kind], nil
}

func (c *customKinds) load(group string) (map[groupVersionKind]*customKind, error) {
	byGroup, err := c.loose()
	if err != nil {
		return nil, err
	}
	definitions := byGroup[group]
	for _, folder := range c.folders {
		if strings.ContainsAny(group, `/\`) {
			break
		}
		found, err := definitionsIn(filepath.Join(folder, group))
		if err != nil {
			return nil, err
		}
		definitions = append(definitions, found...)
	}
	kinds := map[groupVersionKind]*customKind{}
	for _, definition := range definitions {
		if definition.Spec.Group != group {
			continue
		}
		for index := range definition.Spec.Versions {
			version := &definition.Spec.Versions[index]
			key := groupVersionKind{group, version.Name, definition.Spec.Names.Kind}
			// The last folder wins, so that a user's definition replaces a shipped one.
			kinds[key] = &customKind{kind: key, definition: definition, version: version}
		}
	}
	return kinds, nil
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
		extension := filepath.Ext(entry.Name())
		if entry.IsDir() || extension != ".json" && extension != ".yaml" && extension != ".yml" {
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
