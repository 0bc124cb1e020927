// Package build runs Kustomize over one target and turns what it yields into plain values with their provenance.
package build

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"runtime/debug"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"

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

// Resource is one rendered resource and where it comes from.
type Resource struct {
	Object          map[string]any
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
		value, err := plain(object.YNode())
		if err != nil {
			if refusal := malformedInput(view); refusal != nil {
				return nil, refusal
			}
			return nil, &protocol.Error{
				Kind: protocol.KindBuild, Path: root.Path, Message: fmt.Sprintf("%s renders to %s: %v", root.Folder(), object.CurId(), err),
			}
		}
		manifest, isMapping := value.(map[string]any)
		if !isMapping {
			return nil, &protocol.Error{
				Kind: protocol.KindBuild, Path: root.Path, Message: root.Folder() + " renders to something that is not a resource",
			}
		}
		resource := Resource{Object: manifest}
		if same && provenance.Resources()[index].CurId().Equals(object.CurId()) {
			resource.Origin, resource.Transformations = provenanceOf(provenance.Resources()[index], root.Folder())
		}
		if objects == provenance {
			withoutAdded(manifest, root)
		}
		if root.UserManagedBy {
			managedBy(manifest)
		}
		all = append(all, resource)
	}
	return all, nil
}
