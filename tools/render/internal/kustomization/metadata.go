package kustomization

import (
	"bytes"

	"go.yaml.in/yaml/v3"
	sigsyaml "sigs.k8s.io/yaml"
)

var both = []any{"originAnnotations", "transformerAnnotations"}

// WithProvenance returns the content of a kustomization with the build options that make Kustomize annotate where
// every resource comes from. The text is kept where possible, so that Kustomize's messages name the right lines.
func (f *File) WithProvenance(content []byte) ([]byte, error) {
	if f.UserOrigins && f.UserTransformations {
		return content, nil
	}
	if !f.hasBuildMetadata {
		appended := append(bytes.Clone(content), "\nbuildMetadata: [originAnnotations, transformerAnnotations]\n"...)
		if parses(appended) {
			return appended, nil
		}
	}
	var values map[string]any
	if err := sigsyaml.Unmarshal(content, &values); err != nil {
		return nil, Malformed(f.Path, content, err)
	}
	options, _ := values["buildMetadata"].([]any)
	values["buildMetadata"] = append(options, both...)
	return sigsyaml.Marshal(values)
}

// parses tells whether appended text became part of the mapping: it does not after a document's end or a flow mapping.
func parses(content []byte) bool {
	var document yaml.Node
	if yaml.Unmarshal(content, &document) != nil || len(document.Content) == 0 {
		return false
	}
	return field(document.Content[0], "buildMetadata") != nil
}
