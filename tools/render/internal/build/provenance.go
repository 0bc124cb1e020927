package build

import (
	"path"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/resource"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"

	"modelyard.dev/render/internal/kustomization"
	"modelyard.dev/render/internal/protocol"
)

const (
	originAnnotation          = "config.kubernetes.io/origin"
	transformationsAnnotation = "alpha.config.kubernetes.io/transformations"
)

// provenanceOf reads Kustomize's annotations; their paths are relative to the target's folder, ours to the repository.
func provenanceOf(rendered *resource.Resource, folder string) (*protocol.Origin, []protocol.Transformation) {
	annotations := rendered.GetAnnotations()
	var origin *protocol.Origin
	var from resource.Origin
	if text := annotations[originAnnotation]; text != "" && kyaml.Unmarshal([]byte(text), &from) == nil {
		origin = &protocol.Origin{
			Path: rooted(folder, from.Path), ConfiguredIn: rooted(folder, from.ConfiguredIn), ConfiguredBy: configurer(from.ConfiguredBy),
		}
	}
	var by []resource.Origin
	text := annotations[transformationsAnnotation]
	if text == "" || kyaml.Unmarshal([]byte(text), &by) != nil {
		return origin, nil
	}
	transformations := make([]protocol.Transformation, 0, len(by))
	for _, each := range by {
		transformations = append(transformations, protocol.Transformation{
			ConfiguredIn: rooted(folder, each.ConfiguredIn), ConfiguredBy: configurer(each.ConfiguredBy),
		})
	}
	return origin, transformations
}

func rooted(folder, relative string) string {
	if relative == "" {
		return ""
	}
	return path.Join(folder, relative)
}

func configurer(by kyaml.ResourceIdentifier) *protocol.Configurer {
	if by.Kind == "" {
		return nil
	}
	return &protocol.Configurer{APIVersion: by.APIVersion, Kind: by.Kind, Name: by.Name}
}

// managedBy gives the label that Kustomize adds the value that the command gives it: the library takes its version from
// the program that it is built into.
func managedBy(object *resource.Resource) error {
	labels := object.GetLabels()
	if !strings.HasPrefix(labels[konfig.ManagedbyLabelKey], "kustomize-") {
		return nil
	}
	labels[konfig.ManagedbyLabelKey] = "kustomize-" + KustomizeRelease
	return object.SetLabels(labels)
}

// withoutAdded removes the annotations that the target's own kustomization does not ask for, as Kustomize does.
func withoutAdded(object *resource.Resource, root *kustomization.File) error {
	if !root.UserOrigins {
		if err := object.SetOrigin(nil); err != nil {
			return err
		}
	}
	if !root.UserTransformations {
		return object.ClearTransformations()
	}
	return nil
}
