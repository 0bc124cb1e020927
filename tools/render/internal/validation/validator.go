// Package validation holds one resource against what an API server would refuse.
//
// Custom resources go through the server's own code: pruning, defaulting, structural schemas and CEL rules with cost
// limits. Kubernetes' own kinds are decoded strictly against the published OpenAPI definitions of the version in use.
package validation

import (
	"fmt"
	"slices"
	"strings"

	"modelyard.dev/render/internal/protocol"
)

// Validator judges resources; it is safe for use by several goroutines. Schemas are loaded when a kind is first seen.
type Validator struct {
	native *nativeKinds
	custom *customKinds
	extra  *extraSchemas
}

// New returns a validator over a header's folders; nil when the header names none.
func New(header *protocol.Header) (*Validator, error) {
	if header.Definitions == "" && len(header.CRDFolders) == 0 && len(header.CRDs) == 0 && len(header.SchemaFolders) == 0 {
		return nil, nil
	}
	native, err := loadNative(header.Definitions)
	if err != nil {
		return nil, err
	}
	custom, err := indexCRDs(header.CRDFolders, header.CRDs)
	if err != nil {
		return nil, err
	}
	return &Validator{native, custom, &extraSchemas{folders: header.SchemaFolders}}, nil
}

// Verdict is what an API server would say to a resource.
type Verdict struct {
	Schema     protocol.Schema
	CEL        protocol.CEL
	Duplicates []protocol.Duplicate
}

// Judge returns the verdict on one resource, which is left as it is.
func (v *Validator) Judge(object map[string]any) Verdict {
	kind := kindOf(object)
	if kind.Kind == "" || kind.Version == "" {
		return refused(protocol.Problem{Message: "the resource should have apiVersion and kind, both as text"})
	}
	if custom, err := v.custom.find(kind); err != nil {
		return Verdict{
			Schema: protocol.Schema{Status: protocol.NoSchema, Problems: []protocol.Problem{{Message: err.Error()}}},
			CEL:    protocol.CEL{Reason: "the definition of its kind cannot be used"},
		}
	} else if custom != nil {
		return custom.judge(object)
	}
	if definition := v.native.find(kind); definition != nil {
		return v.native.judge(definition, object)
	}
	verdict := v.extra.judge(kind, object)
	if verdict.Schema.Status == protocol.NoSchema && len(verdict.Schema.Problems) == 0 {
		if problem, told := v.notServed(kind); told {
			return refused(problem)
		}
	}
	return verdict
}

// notServed tells of a kind that an API server is known not to have, as opposed to one of which nothing is known.
func (v *Validator) notServed(kind groupVersionKind) (protocol.Problem, bool) {
	versions := slices.Concat(v.custom.versions(kind), v.native.versions(kind))
	if len(versions) > 0 {
		return protocol.Problem{
			Path:    "apiVersion",
			Message: fmt.Sprintf("%s is served as %s, not as %s", kind.Kind, strings.Join(versions, " and "), kind.apiVersion()),
		}, true
	}
	if kinds := v.native.kindsOf(kind.Group); len(kinds) > 0 {
		return protocol.Problem{
			Path: "kind", Message: fmt.Sprintf("Kubernetes has no %s in %s%s", kind.Kind, kind.apiVersion(), nearest(kind.Kind, kinds)),
		}, true
	}
	return protocol.Problem{}, false
}

func refused(problems ...protocol.Problem) Verdict {
	return Verdict{
		Schema: protocol.Schema{Status: protocol.Invalid, Problems: problems},
		CEL:    protocol.CEL{Reason: "its structure is not legal"},
	}
}

type groupVersionKind struct{ Group, Version, Kind string }

func kindOf(object map[string]any) groupVersionKind {
	apiVersion, _ := object["apiVersion"].(string)
	kind, _ := object["kind"].(string)
	group, version, found := strings.Cut(apiVersion, "/")
	if !found {
		group, version = "", apiVersion
	}
	return groupVersionKind{group, version, kind}
}

func (k groupVersionKind) apiVersion() string {
	if k.Group == "" {
		return k.Version
	}
	return k.Group + "/" + k.Version
}
