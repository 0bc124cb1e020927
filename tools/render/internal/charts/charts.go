// Package charts renders archives of Helm charts by Helm's own engine, as `helm template` and so Argo CD do: without a
// cluster, a network, plugins or post-renderers.
package charts

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path"
	"runtime/debug"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	"sigs.k8s.io/yaml"

	"modelyard.dev/render/internal/build"
	"modelyard.dev/render/internal/protocol"
)

const notes = "NOTES.txt"

// Charts explain themselves to people on the way; standard error belongs to the supervisor.
func init() { slog.SetDefault(slog.New(slog.DiscardHandler)) }

// Render renders one chart. Errors that a user can cause are *protocol.Error.
func Render(wanted *protocol.Chart, helmVersion string, maxResources int) (resources []build.Resource, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = build.Crashed(cause, debug.Stack())
		}
	}()
	content, err := os.ReadFile(wanted.Archive)
	if err != nil {
		return nil, &protocol.Error{Kind: protocol.KindMissing, Message: fmt.Sprintf("the archive %s cannot be read", wanted.Archive)}
	}
	loaded, err := loader.LoadArchive(bytes.NewReader(content))
	if err != nil {
		return nil, &protocol.Error{Kind: protocol.KindMalformed, Message: "the archive is not that of a chart: " + err.Error()}
	}
	values, err := merged(wanted.Values)
	if err != nil {
		return nil, err
	}
	documents, err := manifests(loaded, values, wanted, helmVersion)
	if err != nil {
		return nil, &protocol.Error{Kind: protocol.KindBuild, Message: err.Error()}
	}
	for _, document := range documents {
		objects, err := document.objects()
		if err != nil {
			return nil, &protocol.Error{Kind: protocol.KindBuild, Message: err.Error()}
		}
		for _, object := range objects {
			resources = append(resources, build.Resource{Manifest: object, Origin: &protocol.Origin{Path: document.source}})
		}
		if len(resources) > maxResources {
			return nil, &protocol.Error{
				Kind: protocol.KindSize, Message: fmt.Sprintf("the chart renders to more than %d resources", maxResources),
			}
		}
	}
	return resources, nil
}

// merged returns what texts of values say together; a later one wins.
func merged(texts []string) (map[string]any, error) {
	all := map[string]any{}
	for _, text := range texts {
		values, err := loader.LoadValues(strings.NewReader(text))
		if err != nil {
			return nil, &protocol.Error{Kind: protocol.KindMalformed, Message: "its values cannot be read: " + err.Error()}
		}
		all = loader.MergeMaps(all, values)
	}
	return all, nil
}

// manifest is what one template renders to, or a part of it.
type manifest struct {
	source  string
	content string
}

// manifests follows helm.sh/helm/v4/pkg/action.Install for a client-only dry run.
func manifests(loaded *chart.Chart, values map[string]any, wanted *protocol.Chart, helmVersion string) ([]manifest, error) {
	if err := chartutil.ValidateReleaseName(wanted.Release); err != nil {
		return nil, fmt.Errorf("release name %q: %w", wanted.Release, err)
	}
	if loaded.Metadata.Type != "" && loaded.Metadata.Type != "application" {
		return nil, fmt.Errorf("%s charts are not installable", loaded.Metadata.Type)
	}
	if err := complete(loaded); err != nil {
		return nil, err
	}
	if err := chartutil.ProcessDependencies(loaded, values); err != nil {
		return nil, fmt.Errorf("chart dependencies processing failed: %w", err)
	}
	capabilities, err := capabilities(wanted, helmVersion)
	if err != nil {
		return nil, err
	}
	release := common.ReleaseOptions{Name: wanted.Release, Namespace: wanted.Namespace, Revision: 1, IsInstall: true}
	toRender, err := util.ToRenderValues(loaded, values, release, capabilities)
	if err != nil {
		return nil, err
	}
	demanded := loaded.Metadata.KubeVersion
	if demanded != "" && !chartutil.IsCompatibleRange(demanded, capabilities.KubeVersion.String()) {
		return nil, fmt.Errorf("chart requires kubeVersion: %s which is incompatible with Kubernetes %s", demanded, capabilities.KubeVersion.Version)
	}
	files, err := engine.Render(loaded, toRender)
	if err != nil {
		return nil, err
	}
	for name := range files {
		if path.Base(name) == notes {
			delete(files, name)
		}
	}
	hooks, sorted, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	if err != nil {
		return nil, err
	}
	var all []manifest
	if !wanted.SkipCRDs {
		for _, definition := range loaded.CRDObjects() {
			all = append(all, manifest{definition.Filename, string(definition.File.Data)})
		}
	}
	for _, each := range sorted {
		all = append(all, manifest{each.Name, each.Content})
	}
	for _, hook := range hooks {
		all = append(all, manifest{hook.Path, hook.Manifest})
	}
	return all, nil
}

func capabilities(wanted *protocol.Chart, helmVersion string) (*common.Capabilities, error) {
	version, err := common.ParseKubeVersion(wanted.KubeVersion)
	if err != nil {
		return nil, fmt.Errorf("invalid kube version %q: %w", wanted.KubeVersion, err)
	}
	told := common.DefaultCapabilities.Copy()
	told.KubeVersion = *version
	told.APIVersions = append(told.APIVersions, wanted.APIVersions...)
	told.HelmVersion.Version = helmVersion
	return told, nil
}

// complete refuses a chart whose archive lacks a chart that it depends on.
func complete(loaded *chart.Chart) error {
	inside := map[string]bool{}
	for _, each := range loaded.Dependencies() {
		inside[each.Metadata.Name] = true
	}
	var missing []string
	for _, each := range loaded.Metadata.Dependencies {
		if !inside[each.Name] {
			missing = append(missing, each.Name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("found in Chart.yaml, but missing in charts/ directory: %s", strings.Join(missing, ", "))
	}
	return nil
}

// objects returns the resources of a manifest; those of a list stand alone, as Argo CD takes them.
func (m manifest) objects() ([]json.RawMessage, error) {
	var all []json.RawMessage
	for _, document := range split(m.content) {
		encoded, err := yaml.YAMLToJSON([]byte(document))
		if err != nil {
			return nil, fmt.Errorf("YAML parse error on %s: %w", m.source, err)
		}
		if string(encoded) == "null" {
			continue
		}
		var head struct {
			Kind  string            `json:"kind"`
			Items []json.RawMessage `json:"items"`
		}
		if err := json.Unmarshal(encoded, &head); err != nil {
			return nil, fmt.Errorf("%s renders to something that is not a resource: %w", m.source, errors.Unwrap(err))
		}
		switch {
		case head.Kind == "":
			return nil, fmt.Errorf("%s renders to something without a kind", m.source)
		case strings.HasSuffix(head.Kind, "List") && head.Items != nil:
			all = append(all, head.Items...)
		default:
			all = append(all, encoded)
		}
	}
	return all, nil
}

// split cuts what stands in one file of the chart's crds folder; what the engine renders is cut already.
func split(content string) []string {
	parts := releaseutil.SplitManifests(content)
	ordered := make([]string, 0, len(parts))
	for index := range len(parts) {
		ordered = append(ordered, parts[fmt.Sprintf("manifest-%d", index)])
	}
	return ordered
}
