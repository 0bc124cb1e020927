// Package kustomization reads kustomization files for what they name, before Kustomize does.
//
// Whatever would leave the repository, use the network or run a program is refused here by file and line; Kustomize
// itself is configured to refuse the same, but says neither.
package kustomization

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"modelyard.dev/render/internal/protocol"
)

// FileNames are the names under which Kustomize looks for a kustomization.
var FileNames = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

// What an entry may name.
const (
	namesFile = 1 << iota
	namesFolder
)

// Entry is one path that a kustomization names.
type Entry struct {
	Field  string
	Value  string
	Line   int
	Column int
	names  int
	plugin bool
}

// File is one kustomization file.
type File struct {
	Path        string
	Component   bool
	Entries     []Entry
	Refused     *protocol.Error
	UsesOpenAPI bool
	// UserOrigins and UserTransformations tell which annotations the file itself asks for.
	UserOrigins         bool
	UserTransformations bool
	// UserManagedBy tells whether it asks for the label with Kustomize's version.
	UserManagedBy    bool
	hasBuildMetadata bool
}

// Folder returns the folder of the file, relative to the repository.
func (f *File) Folder() string { return path.Dir(f.Path) }

var (
	yamlLine = regexp.MustCompile(`line (\d+): `)
	// The parser, unlike the scanner before it, reports lines that count from 0.
	countedFromZero = regexp.MustCompile(`did not find expected (',' or|key|'-' indicator|<document start>|node content)`)
)

// Parse reads a kustomization file. Only what the parser itself cannot read is an error: the rest is Kustomize's to say.
func Parse(name string, content []byte) (*File, error) {
	if err := CheckAliases(name, content); err != nil {
		return nil, err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(content, &document); err != nil {
		return nil, Malformed(name, content, err)
	}
	file := &File{Path: name}
	if len(document.Content) == 0 || document.Content[0].Kind != yaml.MappingNode {
		return nil, &protocol.Error{
			Kind: protocol.KindMalformed, Message: name + " should hold one YAML mapping", Path: name, Line: 1,
			Fix: "start it with apiVersion: kustomize.config.k8s.io/v1beta1 and kind: Kustomization",
		}
	}
	seen := map[string]int{}
	for key, value := range pairs(document.Content[0]) {
		if line, twice := seen[key.Value]; twice {
			return nil, &protocol.Error{
				Kind: protocol.KindMalformed, Path: name, Line: key.Line, Column: key.Column,
				Message: fmt.Sprintf("%s has the key %s twice, on lines %d and %d", name, key.Value, line, key.Line),
				Fix:     "keep one of them",
			}
		}
		seen[key.Value] = key.Line
		file.read(key, value)
	}
	return file, nil
}

// Malformed turns a YAML parser's error into ours.
func Malformed(name string, content []byte, err error) *protocol.Error {
	var known *protocol.Error
	if errors.As(err, &known) {
		return known
	}
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	text = strings.TrimSpace(strings.TrimPrefix(text, "unmarshal errors:"))
	line := 1
	match := yamlLine.FindStringSubmatch(text)
	if match != nil {
		line, _ = strconv.Atoi(match[1])
		text = strings.Replace(text, match[0], "", 1)
	}
	if match != nil && countedFromZero.MatchString(text) {
		line++
	}
	// What is missing at the end of a file is missed on the line after it.
	line = min(line, bytes.Count(bytes.TrimRight(content, "\n"), []byte("\n"))+1)
	return &protocol.Error{
		Kind: protocol.KindMalformed, Message: fmt.Sprintf("%s is not valid YAML: %s", name, text), Path: name, Line: line,
		Fix: "correct the file's syntax",
	}
}

func pairs(mapping *yaml.Node) func(func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		if mapping == nil || mapping.Kind != yaml.MappingNode {
			return
		}
		for index := 0; index+1 < len(mapping.Content); index += 2 {
			if !yield(mapping.Content[index], dereferenced(mapping.Content[index+1])) {
				return
			}
		}
	}
}

func items(sequence *yaml.Node) []*yaml.Node {
	if sequence == nil || sequence.Kind != yaml.SequenceNode {
		return nil
	}
	all := make([]*yaml.Node, 0, len(sequence.Content))
	for _, item := range sequence.Content {
		all = append(all, dereferenced(item))
	}
	return all
}

func field(mapping *yaml.Node, name string) *yaml.Node {
	for key, value := range pairs(mapping) {
		if key.Value == name {
			return value
		}
	}
	return nil
}

func dereferenced(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}
