package build

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"modelyard.dev/render/internal/kustomization"
	"modelyard.dev/render/internal/protocol"
	"modelyard.dev/render/internal/repository"
)

var (
	innermostFolder = regexp.MustCompile(`(?:couldn't make target for path|recursed accumulation of path|recursed merging from path) \\*'([^'\\]*)\\*'`)
	invalidField    = regexp.MustCompile(`invalid Kustomization: json: unknown field \\*"([^"\\]+)\\*"`)
	invalidType     = regexp.MustCompile(`invalid Kustomization: (.+)`)
	wrapping        = regexp.MustCompile(`accumulat(?:ing resources|ion err='.*?')[^:]*: |accumulateDirectory: |\\+"|recursed (?:accumulation of|merging from) path '[^']*': `)
	conflict        = regexp.MustCompile(`may not add resource with an already registered id: ([^\s"']+)`)
	noPatchTarget   = regexp.MustCompile(`no (?:resource )?matches (?:for|strategic merge patch) (?:Id )?\\*"?([^\s"\\;]+)`)
	patchFailed     = regexp.MustCompile(`(add|remove|replace|move|copy|test) operation does not apply: (.*)`)
	pluginRefused   = regexp.MustCompile(`unable to load external plugin \\*'([^'\\]+)`)
	pointer         = regexp.MustCompile(`(/[^\s"':;\\]+)`)
	configuration   = regexp.MustCompile("(?s) with config: `.*?`") // it may hold the literals of a Secret
	openAPIInvalid  = regexp.MustCompile(`invalid schema file`)
)

// explained turns Kustomize's error into ours: what was found, in which file, and what to do.
func explained(err error, view *repository.View, root *kustomization.File) error {
	var known *protocol.Error
	if errors.As(err, &known) {
		return known
	}
	if refusal := view.Refusal(); refusal != nil {
		return refusal
	}
	if refusal := malformedInput(view); refusal != nil {
		return refusal
	}
	text := configuration.ReplaceAllString(withoutMount(err.Error()), "")
	file := innermost(err.Error(), view, root.Path)
	result := &protocol.Error{Kind: protocol.KindBuild, Path: file}
	switch {
	case invalidField.MatchString(text):
		name := invalidField.FindStringSubmatch(text)[1]
		result.Kind, result.Line = protocol.KindMalformed, lineOf(view, file, name+":")
		result.Message = fmt.Sprintf("%s has the field %s, which kustomizations do not have", file, name)
		result.Fix = "correct the field's name or remove it"
	case invalidType.MatchString(text):
		result.Kind = protocol.KindMalformed
		result.Message = fmt.Sprintf("%s is not a valid kustomization: %s", file, invalidType.FindStringSubmatch(text)[1])
	case strings.Contains(text, "loading KV pairs"): // Kustomize would quote the pairs, which may be secret
		result.Kind = protocol.KindMalformed
		result.Message = fmt.Sprintf("a generator of %s has literals or lines of env files that it cannot read", file)
		result.Fix = "write them as key=value, with keys that a ConfigMap may have"
	case conflict.MatchString(text):
		id := conflict.FindStringSubmatch(text)[1]
		result.Message = fmt.Sprintf("%s brings %s a second time", file, resourceID(id))
		result.Fix = "include it once, or rename one of the two"
	case noPatchTarget.MatchString(text):
		result.Message = fmt.Sprintf("a patch of %s is for %s, which is not there", file, resourceID(noPatchTarget.FindStringSubmatch(text)[1]))
		result.Fix = "correct the patch's kind, name and namespace, or remove it"
	case patchFailed.MatchString(text):
		match := patchFailed.FindStringSubmatch(text)
		result.Message = fmt.Sprintf("a patch of %s cannot be applied: %s: %s", file, match[1], firstLine(match[2]))
		result.Fix = "correct the path of the patch, or add what it expects"
		if path := pointer.FindString(match[2]); path != "" {
			result.Line = lineOf(view, file, path)
		}
	case pluginRefused.MatchString(text):
		result.Kind = protocol.KindExecutes
		result.Message = fmt.Sprintf("%s runs the plugin %s, which is not Kustomize's own", file, pluginRefused.FindStringSubmatch(text)[1])
		result.Fix = "use Kustomize's own generators and transformers (apiVersion: builtin): rendering runs no plugins"
	case openAPIInvalid.MatchString(text):
		result.Kind, result.Message = protocol.KindMalformed, "the OpenAPI schema of "+file+" is not valid"
	default:
		result.Message = fmt.Sprintf("Kustomize cannot build %s: %s", path.Dir(file), shortened(text))
	}
	return result
}

// malformedInput looks for the file that is not YAML, now that something failed: Kustomize often does not name it.
func malformedInput(view *repository.View) *protocol.Error {
	for _, input := range view.Inputs() {
		if extension := path.Ext(input); extension != ".yaml" && extension != ".yml" && path.Base(input) != "Kustomization" {
			continue
		}
		content, err := view.Read(input)
		if err != nil {
			continue
		}
		decoder := yaml.NewDecoder(bytes.NewReader(content))
		for {
			var values any
			err := decoder.Decode(&values)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return kustomization.Malformed(input, content, err)
			}
		}
	}
	return nil
}

func innermost(text string, view *repository.View, otherwise string) string {
	deepest := ""
	for _, match := range innermostFolder.FindAllStringSubmatch(text, -1) {
		deepest = match[1]
	}
	folder, err := repository.Relative(deepest)
	if deepest == "" || err != nil {
		return otherwise
	}
	for _, input := range view.Inputs() {
		if path.Dir(input) != folder {
			continue
		}
		for _, name := range kustomization.FileNames {
			if path.Base(input) == name {
				return input
			}
		}
	}
	return otherwise
}

func lineOf(view *repository.View, file, text string) int {
	content, err := view.Read(file)
	if err != nil {
		return 0
	}
	for number, line := range strings.Split(string(content), "\n") {
		if strings.Contains(line, text) {
			return number + 1
		}
	}
	return 0
}

// resourceID writes Kustomize's Kind.version.group/name.namespace as people do.
func resourceID(id string) string {
	kindPart, namePart, found := strings.Cut(id, "/")
	if !found {
		return id
	}
	kind, _, _ := strings.Cut(kindPart, ".")
	name := strings.TrimSuffix(strings.TrimRight(namePart, `"'\`), ".[noNs]")
	return kind + " " + name
}

func withoutMount(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, repository.Mount+"/", ""), repository.Mount, ".")
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimRight(line, `"'\ `)
}

const longestMessage = 600

func shortened(text string) string {
	text = strings.Join(strings.Fields(wrapping.ReplaceAllString(text, "")), " ")
	if len(text) > longestMessage {
		return "… " + strings.ToValidUTF8(text[len(text)-longestMessage:], "")
	}
	return text
}

// Crashed turns a recovered panic into an error that names the library it came from.
func Crashed(cause any, stack []byte) error {
	place := ""
	for _, line := range strings.Split(string(stack), "\n") {
		if strings.Contains(line, "sigs.k8s.io/") || strings.Contains(line, "k8s.io/") {
			place = ", in " + strings.TrimSpace(strings.Split(line, "(")[0])
			break
		}
	}
	return &protocol.Error{
		Kind: protocol.KindCrash, Message: fmt.Sprintf("the renderer crashed: %v%s", cause, place),
		Fix: "report it with the kustomization that causes it",
	}
}
