package validation

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"modelyard.dev/render/internal/protocol"
)

// extraSchemas holds folders of JSON Schemas in kubeconform's form, <kind>-<group>-<version>.json, for kinds of which
// there is no definition. They are compiled as kubeconform does, except that no reference leaves the folders.
type extraSchemas struct {
	folders []string
	mutex   sync.Mutex
	known   map[groupVersionKind]*jsonschema.Schema
}

func (e *extraSchemas) judge(key groupVersionKind, object map[string]any) Verdict {
	schema, err := e.find(key)
	noRules := protocol.CEL{Reason: "there is no definition of its kind"}
	if err != nil {
		return Verdict{
			Schema: protocol.Schema{Status: protocol.NoSchema, Problems: []protocol.Problem{{Message: err.Error()}}}, CEL: noRules,
		}
	}
	if schema == nil {
		return Verdict{Schema: protocol.Schema{Status: protocol.NoSchema}, CEL: noRules}
	}
	verdict := Verdict{Schema: protocol.Schema{Status: protocol.Valid}, CEL: noRules}
	var invalid *jsonschema.ValidationError
	if err := schema.Validate(object); errors.As(err, &invalid) {
		verdict.Schema.Status = protocol.Invalid
		verdict.Schema.Problems = leaves(invalid, object)
	}
	return verdict
}

func (e *extraSchemas) find(key groupVersionKind) (*jsonschema.Schema, error) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if known, seen := e.known[key]; seen {
		return known, nil
	}
	var found *jsonschema.Schema
	for _, folder := range e.folders {
		file := filepath.Join(folder, schemaName(key))
		if _, err := os.Stat(file); err != nil {
			continue
		}
		compiler := jsonschema.NewCompiler()
		compiler.DefaultDraft(jsonschema.Draft4)
		compiler.UseLoader(confined(folder))
		compiled, err := compiler.Compile((&url.URL{Scheme: "file", Path: file}).String())
		if err != nil {
			return nil, fmt.Errorf("the schema %s cannot be used: %w", filepath.Base(file), err)
		}
		found = compiled
		break
	}
	if e.known == nil {
		e.known = map[groupVersionKind]*jsonschema.Schema{}
	}
	e.known[key] = found
	return found, nil
}

// schemaName is kubeconform's name for a kind: the group's first label only.
func schemaName(key groupVersionKind) string {
	name := strings.ToLower(key.Kind)
	if group, _, _ := strings.Cut(key.Group, "."); group != "" {
		name += "-" + strings.ToLower(group)
	}
	return filepath.Base(name + "-" + strings.ToLower(key.Version) + ".json")
}

type confined string

// Load reads a file of the folder and nothing else: no schema makes the renderer use the network.
func (folder confined) Load(address string) (any, error) {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Scheme != "file" || filepath.Dir(filepath.Clean(parsed.Path)) != filepath.Clean(string(folder)) {
		return nil, fmt.Errorf("%s lies outside the folder of schemas", address)
	}
	file, err := os.Open(parsed.Path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return jsonschema.UnmarshalJSON(io.LimitReader(file, maxDefinitionBytes))
}

var english = message.NewPrinter(language.English)

func leaves(invalid *jsonschema.ValidationError, object any) []protocol.Problem {
	var problems []protocol.Problem
	for _, cause := range invalid.Causes {
		problems = append(problems, leaves(cause, object)...)
	}
	if len(invalid.Causes) > 0 {
		return problems
	}
	path := located(invalid.InstanceLocation, object)
	switch typed := invalid.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		for _, name := range typed.Properties {
			problems = append(problems, protocol.Problem{Path: child(path, name).String(), Message: "unknown field"})
		}
	case *kind.Required:
		for _, name := range typed.Missing {
			problems = append(problems, protocol.Problem{Path: child(path, name).String(), Message: "is required"})
		}
	default:
		place := ""
		if path != nil {
			place = path.String()
		}
		problems = append(problems, protocol.Problem{Path: place, Message: invalid.ErrorKind.LocalizedString(english)})
	}
	return problems
}

// located writes a JSON pointer's parts as a path; which of them are list indexes, only the object tells.
func located(parts []string, object any) *field.Path {
	var path *field.Path
	for _, part := range parts {
		switch typed := object.(type) {
		case []any:
			var index int
			if _, err := fmt.Sscanf(part, "%d", &index); err != nil || index < 0 || index >= len(typed) {
				return path
			}
			path, object = path.Index(index), typed[index]
		case map[string]any:
			path, object = child(path, part), typed[part]
		}
	}
	return path
}
