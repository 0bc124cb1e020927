package kustomization

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"

	"modelyard.dev/render/internal/protocol"
)

// maxExpandedNodes bounds what the aliases of one file may expand to. A manifest of a million nodes has some 20 MB.
const maxExpandedNodes = 1_000_000

var functionAnnotations = []string{"config.kubernetes.io/function", "config.k8s.io/function"}

// CheckAliases refuses a file whose aliases multiply. Kustomize expands every alias, so that a few lines of nested
// aliases would take all memory.
func CheckAliases(name string, content []byte) error {
	if !bytes.ContainsRune(content, '&') || !bytes.ContainsRune(content, '*') {
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	for {
		var document yaml.Node
		if err := decoder.Decode(&document); err != nil {
			return nil // malformed YAML is reported by who reads the file
		}
		counted := expansion{sizes: map[*yaml.Node]int{}}
		if counted.of(&document) > maxExpandedNodes {
			return &protocol.Error{
				Kind: protocol.KindMalformed, Path: name, Line: counted.line,
				Message: fmt.Sprintf("%s holds YAML aliases that expand to more than %d values", name, maxExpandedNodes),
				Fix:     "write the values out instead of nesting aliases",
			}
		}
	}
}

type expansion struct {
	sizes map[*yaml.Node]int
	line  int
}

// of returns how many nodes a node expands to, saturating above the limit; a node inside itself exceeds it.
func (e *expansion) of(node *yaml.Node) int {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if size, known := e.sizes[node]; known {
		return size
	}
	e.sizes[node] = maxExpandedNodes + 1
	size := 1
	for _, child := range node.Content {
		size = min(size+e.of(child), maxExpandedNodes+1)
	}
	e.sizes[node] = size
	if size > maxExpandedNodes && e.line == 0 {
		e.line = node.Line
	}
	return size
}

// refusePlugin refuses configurations of generators, transformers and validators that would run something.
func (f *File) refusePlugin(name string, offset int, content []byte) {
	if f.Refused == nil {
		f.Refused = pluginRefusal(name, offset, content)
	}
}

func pluginRefusal(name string, offset int, content []byte) *protocol.Error {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) || err != nil || len(document.Content) == 0 {
			return nil // Kustomize says what is malformed
		}
		if refusal := executed(name, offset, document.Content[0]); refusal != nil {
			return refusal
		}
	}
}

func executed(name string, offset int, manifest *yaml.Node) *protocol.Error {
	kind, apiVersion := scalar(field(manifest, "kind")), scalar(field(manifest, "apiVersion"))
	refusal := func(message, fix string) *protocol.Error {
		return &protocol.Error{
			Kind: protocol.KindExecutes, Message: name + " " + message, Path: name, Line: offset + manifest.Line, Fix: fix,
		}
	}
	annotations := field(field(manifest, "metadata"), "annotations")
	for _, annotation := range functionAnnotations {
		if function := field(annotations, annotation); function != nil {
			return refusal(fmt.Sprintf("runs the function of %s %s", kind, described(function.Value)),
				"use Kustomize's own transformers: rendering runs no programs and no containers")
		}
	}
	switch {
	case apiVersion == "builtin" && kind == "HelmChartInflationGenerator":
		return refusal("inflates a Helm chart by HelmChartInflationGenerator", noHelm)
	case kind != "" && apiVersion != "" && apiVersion != "builtin":
		return refusal(fmt.Sprintf("runs the plugin %s of %s, which is not Kustomize's own", kind, apiVersion),
			"use Kustomize's own generators and transformers (apiVersion: builtin): rendering runs no plugins")
	}
	return nil
}

func described(function string) string {
	var specification struct {
		Container struct{ Image string }
		Exec      struct{ Path string }
		Starlark  struct{ Path string }
	}
	if err := yaml.Unmarshal([]byte(function), &specification); err == nil {
		switch {
		case specification.Container.Image != "":
			return "in the container " + specification.Container.Image
		case specification.Exec.Path != "":
			return "by the program " + specification.Exec.Path
		case specification.Starlark.Path != "":
			return "by the Starlark script " + specification.Starlark.Path
		}
	}
	return "in a container or by a program"
}

func scalar(node *yaml.Node) string {
	if node == nil || node.Kind != yaml.ScalarNode {
		return ""
	}
	return node.Value
}
