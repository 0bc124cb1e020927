package kustomization

import (
	"errors"
	"strings"
	"testing"

	"modelyard.dev/render/internal/protocol"
)

func TestRemoteEntries(t *testing.T) {
	for value, remote := range map[string][2]bool{ // as a file or folder, as a file only
		"https://example.com/a.yaml": {true, true},
		"HTTP://example.com/a":       {true, true},
		"git@github.com:acme/base":   {true, false},
		"github.com/acme/base":       {true, false},
		"git::ssh://example.com/x":   {true, true},
		"example.com:acme/base":      {true, false},
		"../base?ref=main":           {true, false},
		"../github.com-mirror/base":  {false, false},
		"deployment.yaml":            {false, false},
		"../../bases/serving/vllm":   {false, false},
		"./odd:name/deployment.yaml": {false, false},
	} {
		for index, names := range []int{namesFile | namesFolder, namesFile} {
			if got := isRemote(Entry{Value: value, names: names}); got != remote[index] {
				t.Errorf("%s as %d: %v", value, names, got)
			}
		}
	}
}

func TestEveryFieldThatNamesAPathIsFollowed(t *testing.T) {
	file, err := Parse("t/kustomization.yaml", []byte(`
resources: [r]
bases: [b]
components: [c]
crds: [crd]
configurations: [cfg]
generators: [g]
transformers: [t]
validators: [v]
patchesStrategicMerge: [psm, "inline: |\n  x"]
patches: [{path: p}, {patch: "- op"}]
patchesJson6902: [{path: j}]
replacements: [{path: rep}]
openapi: {path: o}
configMapGenerator: [{files: [f, k=kf], envs: [e], env: e1}]
secretGenerator: [{files: [sf]}]
`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range file.Entries {
		got = append(got, entry.Value)
	}
	want := "r b c crd cfg g t v psm p j rep o f kf e e1 sf"
	if strings.Join(got, " ") != want || file.Refused != nil || !file.UsesOpenAPI {
		t.Errorf("%v, %v", got, file.Refused)
	}
}

func TestProvenanceIsAddedWithoutChangingTheRest(t *testing.T) {
	for text, want := range map[string]string{
		"namePrefix: x-":                  "namePrefix: x-\nbuildMetadata: [originAnnotations, transformerAnnotations]\n",
		"namePrefix: x-\n...":             "buildMetadata:\n- originAnnotations\n- transformerAnnotations\nnamePrefix: x-\n",
		"{namePrefix: x-}":                "buildMetadata:\n- originAnnotations\n- transformerAnnotations\nnamePrefix: x-\n",
		"buildMetadata: [managedByLabel]": "buildMetadata:\n- managedByLabel\n- originAnnotations\n- transformerAnnotations\n",
		"buildMetadata: [originAnnotations, transformerAnnotations]": "buildMetadata: [originAnnotations, transformerAnnotations]",
	} {
		file, err := Parse("kustomization.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := file.WithProvenance([]byte(text)); err != nil || string(got) != want {
			t.Errorf("%q gives %q, %v", text, got, err)
		}
	}
}

func TestAliasesMayRepeatButNotMultiply(t *testing.T) {
	if err := CheckAliases("a", []byte("a: &a {x: 1}\nb: *a\nc: [*a, *a]\n")); err != nil {
		t.Error(err)
	}
	var refusal *protocol.Error
	if err := CheckAliases("a", []byte("a: &a [*a]\n")); !errors.As(err, &refusal) || refusal.Line == 0 {
		t.Errorf("an alias inside itself: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("resources: [a, b]\npatches: [{path: x}]\n")
	f.Add("generators:\n  - |\n    apiVersion: x/v1\n    kind: Y\n")
	f.Add("a: &a [*a]\nresources: *a\n")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Parse("t/kustomization.yaml", []byte(text))
		if err != nil {
			var refusal *protocol.Error
			if !errors.As(err, &refusal) {
				t.Fatalf("not one of ours: %v", err)
			}
			return
		}
		if _, err := file.WithProvenance([]byte(text)); err != nil {
			var refusal *protocol.Error
			if !errors.As(err, &refusal) {
				t.Logf("left to Kustomize: %v", err)
			}
		}
	})
}
