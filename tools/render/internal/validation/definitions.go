package validation

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
)

const (
	quantityDefinition = "io.k8s.apimachinery.pkg.api.resource.Quantity"
	microTimeFormat    = "2006-01-02T15:04:05.000000Z07:00"
	definitionPrefix   = "#/definitions/"
)

// definition is the part of OpenAPI v2 that Kubernetes' document uses.
type definition struct {
	Reference            string                 `json:"$ref"`
	Type                 string                 `json:"type"`
	Format               string                 `json:"format"`
	Properties           map[string]*definition `json:"properties"`
	Required             []string               `json:"required"`
	Values               []string               `json:"enum"`
	Items                *definition            `json:"items"`
	AdditionalProperties *definition            `json:"additionalProperties"`
	ListType             string                 `json:"x-kubernetes-list-type"`
	ListMapKeys          []string               `json:"x-kubernetes-list-map-keys"`
	Kinds                []groupVersionKind     `json:"x-kubernetes-group-version-kind"`
	name                 string
}

// nativeKinds holds the definitions of one Kubernetes version, decoded when they are first needed.
type nativeKinds struct {
	mutex   sync.Mutex
	raw     map[string]json.RawMessage
	decoded map[string]*definition
	kinds   map[groupVersionKind]*definition
}

// loadNative reads a file of OpenAPI v2 definitions by name, or a whole OpenAPI document. No file means no kinds.
func loadNative(file string) (*nativeKinds, error) {
	kinds := &nativeKinds{
		raw: map[string]json.RawMessage{}, decoded: map[string]*definition{}, kinds: map[groupVersionKind]*definition{},
	}
	if file == "" {
		return kinds, nil
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the definitions of Kubernetes' kinds cannot be read: %w", err)
	}
	if err := json.Unmarshal(content, &kinds.raw); err != nil {
		return nil, fmt.Errorf("%s holds no OpenAPI definitions: %w", file, err)
	}
	if whole, found := kinds.raw["definitions"]; found {
		kinds.raw = map[string]json.RawMessage{}
		if err := json.Unmarshal(whole, &kinds.raw); err != nil {
			return nil, fmt.Errorf("%s holds no OpenAPI definitions: %w", file, err)
		}
	}
	return kinds, nil
}

// find returns the definition of a kind, nil when there is none.
func (n *nativeKinds) find(kind groupVersionKind) *definition {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if known, seen := n.kinds[kind]; seen {
		return known
	}
	var found *definition
	ending := "." + kind.Version + "." + kind.Kind
	for name := range n.raw {
		if !strings.HasSuffix(name, ending) {
			continue
		}
		candidate := n.decode(name)
		for _, each := range candidate.Kinds {
			if each == kind {
				found = candidate
			}
		}
	}
	n.kinds[kind] = found
	return found
}

// versions returns the apiVersions of a kind in its group.
func (n *nativeKinds) versions(kind groupVersionKind) []string {
	var found []string
	for _, each := range n.ofGroup(kind.Group) {
		if each.Kind == kind.Kind {
			found = append(found, each.apiVersion())
		}
	}
	slices.Sort(found)
	return found
}

// kindsOf returns the names of a group's kinds.
func (n *nativeKinds) kindsOf(group string) []string {
	var found []string
	for _, each := range n.ofGroup(group) {
		found = append(found, each.Kind)
	}
	return found
}

// ofGroup decodes all definitions: it is called for kinds that do not exist only.
func (n *nativeKinds) ofGroup(group string) []groupVersionKind {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	var found []groupVersionKind
	for name := range n.raw {
		for _, each := range n.decode(name).Kinds {
			if each.Group == group {
				found = append(found, each)
			}
		}
	}
	return found
}

// referenced follows a reference; a definition that is missing or broken allows everything.
func (n *nativeKinds) referenced(schema *definition) *definition {
	if schema.Reference == "" {
		return schema
	}
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return n.decode(strings.TrimPrefix(schema.Reference, definitionPrefix))
}

func (n *nativeKinds) decode(name string) *definition {
	if known := n.decoded[name]; known != nil {
		return known
	}
	decoded := &definition{}
	if err := json.Unmarshal(n.raw[name], decoded); err != nil {
		decoded = &definition{}
	}
	decoded.name = name
	n.decoded[name] = decoded
	return decoded
}
