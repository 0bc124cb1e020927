package kustomization

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"modelyard.dev/render/internal/protocol"
)

const noHelm = "render charts from an Application with a pinned chart, not by Kustomize"

// read collects what one top-level field names.
func (f *File) read(key, value *yaml.Node) {
	switch key.Value {
	case "kind":
		f.Component = value.Value == "Component"
	case "buildMetadata":
		f.hasBuildMetadata = true
		for _, option := range items(value) {
			f.UserOrigins = f.UserOrigins || option.Value == "originAnnotations"
			f.UserTransformations = f.UserTransformations || option.Value == "transformerAnnotations"
			f.UserManagedBy = f.UserManagedBy || option.Value == "managedByLabel"
		}
	case "helmCharts", "helmChartInflationGenerator", "helmGlobals":
		f.refuse(protocol.KindExecutes, key, fmt.Sprintf("%s inflates Helm charts by %s", f.Path, key.Value), noHelm)
	case "resources", "bases":
		f.paths(key.Value, value, namesFile|namesFolder, false)
	case "components":
		f.paths(key.Value, value, namesFolder, false)
	case "crds", "configurations":
		f.paths(key.Value, value, namesFile, false)
	case "generators", "transformers", "validators":
		f.paths(key.Value, value, namesFile|namesFolder, true)
	case "patchesStrategicMerge":
		f.paths(key.Value, value, namesFile, false)
	case "patches", "patchesJson6902", "replacements":
		for _, item := range items(value) {
			f.path(key.Value, field(item, "path"), namesFile)
			f.inline(field(item, "patch"))
		}
	case "openapi":
		f.UsesOpenAPI = true
		f.path(key.Value, field(value, "path"), namesFile)
	case "configMapGenerator", "secretGenerator":
		for _, item := range items(value) {
			f.generator(key.Value, item)
		}
	}
}

func (f *File) paths(name string, list *yaml.Node, names int, plugin bool) {
	for _, item := range items(list) {
		if item.Kind != yaml.ScalarNode {
			continue // Kustomize says which type it wants
		}
		if isInline(item.Value) && (plugin || name == "patchesStrategicMerge") {
			f.inline(item)
			if plugin {
				f.refusePlugin(f.Path, item.Line, []byte(item.Value))
			}
			continue
		}
		f.add(Entry{name, item.Value, item.Line, item.Column, names, plugin})
	}
}

func (f *File) path(name string, node *yaml.Node, names int) {
	if node != nil && node.Kind == yaml.ScalarNode && node.Value != "" {
		f.add(Entry{name, node.Value, node.Line, node.Column, names, false})
	}
}

// inline checks YAML that stands as text in the kustomization.
func (f *File) inline(text *yaml.Node) {
	if text == nil || f.Refused != nil {
		return
	}
	var refusal *protocol.Error
	if errors.As(CheckAliases(f.Path, []byte(text.Value)), &refusal) {
		refusal.Line += text.Line
		f.Refused = refusal
	}
}

func (f *File) generator(name string, generator *yaml.Node) {
	for _, item := range items(field(generator, "files")) {
		value := item.Value
		if _, after, found := strings.Cut(value, "="); found {
			value = after
		}
		f.add(Entry{name + ".files", value, item.Line, item.Column, namesFile, false})
	}
	for _, item := range items(field(generator, "envs")) {
		f.path(name+".envs", item, namesFile)
	}
	f.path(name+".env", field(generator, "env"), namesFile)
}

// isInline tells a manifest that is written in place from a path.
func isInline(value string) bool {
	return strings.Contains(value, "\n") || strings.HasPrefix(strings.TrimSpace(value), "{")
}

func (f *File) add(entry Entry) {
	f.Entries = append(f.Entries, entry)
	switch {
	case isRemote(entry):
		f.refuseAt(protocol.KindRemote, entry, fmt.Sprintf("%s reads %s from the network", f.Path, withoutSecrets(entry.Value)),
			"vendor it into the repository: rendering never uses the network")
	case path.IsAbs(entry.Value):
		f.refuseAt(protocol.KindOutside, entry, fmt.Sprintf("%s names the absolute path %s", f.Path, entry.Value),
			"name a path relative to the kustomization")
	case leavesRepository(f.Folder(), entry.Value):
		f.refuseAt(protocol.KindOutside, entry, fmt.Sprintf("%s reads %s, which lies outside the repository", f.Path, entry.Value),
			"keep everything that is rendered in the repository")
	}
}

func (f *File) refuse(kind string, at *yaml.Node, message, fix string) {
	if f.Refused == nil {
		f.Refused = &protocol.Error{Kind: kind, Message: message, Path: f.Path, Line: at.Line, Column: at.Column, Fix: fix}
	}
}

func (f *File) refuseAt(kind string, entry Entry, message, fix string) {
	if f.Refused == nil {
		f.Refused = &protocol.Error{Kind: kind, Message: message, Path: f.Path, Line: entry.Line, Column: entry.Column, Fix: fix}
	}
}

// isRemote tells whether Kustomize would read an entry over the network or clone it. Where an entry can only be a file,
// Kustomize knows web addresses alone; elsewhere every form that it takes for a Git repository counts.
func isRemote(entry Entry) bool {
	lower := strings.ToLower(entry.Value)
	if entry.names&namesFolder == 0 {
		return strings.Contains(lower, "://")
	}
	for _, mark := range []string{"://", "git::", "git@", "?ref=", "?version=", "?timeout=", "?submodules=", ".git//", "_git/"} {
		if strings.Contains(lower, mark) {
			return true
		}
	}
	if strings.HasPrefix(lower, "github.com/") {
		return true
	}
	// An address in scp form: user@host:path or host.domain:path.
	before, _, found := strings.Cut(lower, ":")
	return found && before != "" && !strings.Contains(before, "/")
}

func withoutSecrets(address string) string {
	if parsed, err := url.Parse(address); err == nil && parsed.User != nil {
		parsed.User = nil
		return parsed.String()
	}
	if _, after, found := strings.Cut(address, "@"); found && strings.Contains(address, "://") {
		return after
	}
	return address
}

func leavesRepository(folder, relative string) bool {
	joined := path.Join(folder, relative)
	return joined == ".." || strings.HasPrefix(joined, "../")
}
