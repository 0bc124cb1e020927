// Package build runs Kustomize over one target and turns what it yields into plain values with their provenance.
package build

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"runtime/debug"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"

	"modelyard.dev/render/internal/kustomization"
	"modelyard.dev/render/internal/protocol"
	"modelyard.dev/render/internal/repository"
)

// KustomizeRelease is the kustomize command whose go.mod requires the version of sigs.k8s.io/kustomize/api in ours.
const KustomizeRelease = "v5.8.1"

// ErrIsolate asks for a process of its own: Kustomize keeps a custom OpenAPI schema for the life of the process.
var ErrIsolate = errors.New("the target sets an OpenAPI schema")

// Builder builds the targets of one repository; it is safe for use by several goroutines.
type Builder struct {
	Repository   *repository.Repository
	Files        *kustomization.Files
	MaxResources int
	// Alone is set where a target may leave traces in the process.
	Alone bool
}

// maxNesting bounds the depth of a resource; readers of JSON refuse deeper ones.
const maxNesting = 500

// Resource is one rendered resource, as JSON, and where it comes from.
type Resource struct {
	Manifest        json.RawMessage
	Origin          *protocol.Origin
	Transformations []protocol.Transformation
}

// Result is what a target renders to, and what it read on the way, which is also set when there is an error.
type Result struct {
	Resources []Resource
	Inputs    []string
	Absent    []string
}

// Build renders one target. Errors that a user can cause are *protocol.Error.
func (b *Builder) Build(target string) (result Result, err error) {
	view := b.Repository.NewView()
	defer func() {
		if cause := recover(); cause != nil {
			err = Crashed(cause, debug.Stack())
		}
		result.Inputs, result.Absent = view.Inputs(), view.Absent()
	}()
	tree, err := b.Files.Walk(view, target)
	if err != nil {
		return result, err
	}
	if tree.UsesOpenAPI && !b.Alone {
		return result, ErrIsolate
	}
	content, err := view.Read(tree.Root.Path)
	if err != nil {
		return result, err
	}
	annotated, err := tree.Root.WithProvenance(content)
	if err != nil {
		return result, err
	}
	view.Replace(tree.Root.Path, annotated)
	rendered, err := run(view, tree.Root.Folder())
	if err == nil && b.visible(view) {
		return b.twice(view, tree, rendered)
	}
	if err != nil {
		// The added annotations must not be what breaks the build, nor what its message is about.
		view.Replace(tree.Root.Path, content)
		rendered, err = run(view, tree.Root.Folder())
		if err != nil {
			return result, explained(err, view, tree.Root)
		}
		result.Resources, err = b.resources(view, rendered, nil, tree.Root)
		return result, err
	}
	result.Resources, err = b.resources(view, rendered, rendered, tree.Root)
	return result, err
}

// twice takes the objects from a build without added annotations and the provenance from the one with them.
func (b *Builder) twice(view *repository.View, tree *kustomization.Tree, annotated resmap.ResMap) (result Result, err error) {
	content, err := b.Repository.Read(tree.Root.Path)
	if err != nil {
		return result, err
	}
	view.Replace(tree.Root.Path, content)
	plain, err := run(view, tree.Root.Folder())
	if err != nil {
		return result, explained(err, view, tree.Root)
	}
	result.Resources, err = b.resources(view, plain, annotated, tree.Root)
	return result, err
}

// seesAnnotations finds text by which a build could see the annotations that provenance adds: patches and replacements
// that name them as a whole, and hashes of kinds that are hashed with their annotations.
var seesAnnotations = regexp.MustCompile(`[/.]annotations|/metadata["'\s,}]|needs-hash`)

func (b *Builder) visible(view *repository.View) bool {
	for _, input := range view.Inputs() {
		if content, err := view.Read(input); err == nil && mayName(content) && seesAnnotations.Match(content) {
			return true
		}
	}
	return false
}

func mayName(content []byte) bool {
	return bytes.Contains(content, []byte("/annotations")) || bytes.Contains(content, []byte(".annotations")) ||
		bytes.Contains(content, []byte("/metadata")) || bytes.Contains(content, []byte("needs-hash"))
}

func run(view *repository.View, folder string) (resmap.ResMap, error) {
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionUnspecified // as the command line has it, when it is not told otherwise
	return krusty.MakeKustomizer(options).Run(view, repository.Mount+"/"+folder)
}

func (b *Builder) resources(view *repository.View, objects, provenance resmap.ResMap, root *kustomization.File) ([]Resource, error) {
	if objects.Size() > b.MaxResources {
		return nil, &protocol.Error{
			Kind: protocol.KindSize, Path: root.Path,
			Message: fmt.Sprintf("%s renders to %d resources, more than the %d that are read", root.Folder(), objects.Size(), b.MaxResources),
			Fix:     "split it into several applications",
		}
	}
	same := provenance != nil && provenance.Size() == objects.Size()
	all := make([]Resource, 0, objects.Size())
	for index, object := range objects.Resources() {
		made := Resource{}
		if same && provenance.Resources()[index].CurId().Equals(object.CurId()) {
			made.Origin, made.Transformations = provenanceOf(provenance.Resources()[index], root.Folder())
		}
		manifest, err := manifestOf(object, root, objects == provenance)
		if err != nil {
			if refusal := malformedInput(view); refusal != nil {
				return nil, refusal
			}
			return nil, &protocol.Error{
				Kind: protocol.KindBuild, Path: root.Path,
				Message: fmt.Sprintf("%s renders %s, which cannot be written: %v", root.Folder(), resourceID(object.CurId().String()), err),
			}
		}
		made.Manifest = manifest
		all = append(all, made)
	}
	return all, nil
}

// manifestOf returns a resource as Kustomize writes it, through Kustomize's own encoder: a shorter way from its nodes to
// values would have to follow every habit of that encoder.
func manifestOf(object *resource.Resource, root *kustomization.File, annotated bool) (json.RawMessage, error) {
	if annotated {
		if err := withoutAdded(object, root); err != nil {
			return nil, err
		}
	}
	if root.UserManagedBy {
		if err := managedBy(object); err != nil {
			return nil, err
		}
	}
	manifest, err := object.MarshalJSON()
	if err == nil && nesting(manifest) > maxNesting {
		err = fmt.Errorf("its values are nested more than %d deep", maxNesting)
	}
	return manifest, err
}

// nesting returns how deep the values of a JSON text lie.
func nesting(text []byte) int {
	depth, deepest := 0, 0
	quoted, escaped := false, false
	for _, each := range text {
		switch {
		case escaped:
			escaped = false
		case quoted:
			escaped, quoted = each == '\\', each != '"'
		case each == '"':
			quoted = true
		case each == '{' || each == '[':
			depth++
			deepest = max(deepest, depth)
		case each == '}' || each == ']':
			depth--
		}
	}
	return deepest
}
