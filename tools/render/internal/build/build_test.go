package build

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"modelyard.dev/render/internal/kustomization"
	"modelyard.dev/render/internal/protocol"
	"modelyard.dev/render/internal/repository"
)

func builder(t testing.TB, root string) *Builder {
	t.Helper()
	files, err := repository.Open(root, 1<<20, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return &Builder{Repository: files, Files: kustomization.NewFiles(), MaxResources: 100, Alone: true}
}

func write(t testing.TB, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		place := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(place, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func values(t testing.TB, resource Resource) map[string]any {
	t.Helper()
	var decoded map[string]any
	if err := json.Unmarshal(resource.Manifest, &decoded); err != nil {
		t.Fatal(err)
	}
	return decoded
}

// onDisk is what kustomize's own command does.
func onDisk(folder string) ([]map[string]any, error) {
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionUnspecified
	built, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), folder)
	if err != nil {
		return nil, err
	}
	var all []map[string]any
	for _, each := range built.Resources() {
		written, err := each.MarshalJSON()
		if err != nil {
			return nil, err
		}
		var value map[string]any
		if err := json.Unmarshal(written, &value); err != nil {
			return nil, err
		}
		all = append(all, value)
	}
	return all, nil
}

func TestOriginsAreRelativeToTheRepository(t *testing.T) {
	root := write(t, map[string]string{
		"bases/a/kustomization.yaml": "resources: [deployment.yaml]\nconfigMapGenerator: [{name: c, literals: [a=b]}]\n",
		"bases/a/deployment.yaml":    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n",
		"overlays/x/kustomization.yaml": "resources: [../../bases/a]\nnamePrefix: x-\n" +
			"patches: [{target: {kind: Deployment}, patch: '- {op: add, path: /spec, value: {replicas: 2}}'}]\n",
	})
	result, err := builder(t, root).Build("overlays/x")
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Resources) != 2 {
		t.Fatalf("%d resources", len(result.Resources))
	}
	for _, each := range result.Resources {
		switch values(t, each)["kind"] {
		case "Deployment":
			if each.Origin.Path != "bases/a/deployment.yaml" {
				t.Errorf("%+v", each.Origin)
			}
			if len(each.Transformations) != 2 || each.Transformations[0].ConfiguredIn != "overlays/x/kustomization.yaml" {
				t.Errorf("%+v", each.Transformations)
			}
		case "ConfigMap":
			if each.Origin.ConfiguredIn != "bases/a/kustomization.yaml" || each.Origin.ConfiguredBy.Kind != "ConfigMapGenerator" {
				t.Errorf("%+v", each.Origin)
			}
		}
	}
	if want := []string{"bases/a/deployment.yaml", "bases/a/kustomization.yaml", "overlays/x/kustomization.yaml"}; !reflect.DeepEqual(result.Inputs, want) {
		t.Errorf("inputs %v", result.Inputs)
	}
	if !strings.Contains(strings.Join(result.Absent, " "), "bases/a/kustomization.yml") {
		t.Errorf("absent %v", result.Absent)
	}
}

func TestTooManyResourcesAreRefused(t *testing.T) {
	many := strings.Repeat("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\n", 101)
	for number := range 101 {
		many = strings.Replace(many, "NAME", "n"+strings.Repeat("x", number), 1)
	}
	_, err := builder(t, write(t, map[string]string{"t/kustomization.yaml": "resources: [a.yaml]\n", "t/a.yaml": many})).Build("t")
	var refusal *protocol.Error
	if !errors.As(err, &refusal) || refusal.Kind != protocol.KindSize {
		t.Errorf("%v", err)
	}
}

func TestNoMessageShowsALiteralOfASecret(t *testing.T) {
	root := write(t, map[string]string{"t/kustomization.yaml": "secretGenerator: [{name: a, literals: ['password=hunter2', broken]}]\n"})
	_, err := builder(t, root).Build("t")
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
}

func TestATargetWithItsOwnOpenAPIAsksForAProcess(t *testing.T) {
	made := builder(t, write(t, map[string]string{"t/kustomization.yaml": "openapi: {version: v1.21.2}\nnamePrefix: x-\n"}))
	made.Alone = false
	if _, err := made.Build("t"); !errors.Is(err, ErrIsolate) {
		t.Errorf("%v", err)
	}
}

func TestCrashedNamesTheCause(t *testing.T) {
	err := Crashed("nil map", []byte("goroutine 1\nsigs.k8s.io/kustomize/api/krusty.Run(0x1)\n"))
	if !strings.Contains(err.Error(), "the renderer crashed: nil map, in sigs.k8s.io/kustomize/api/krusty.Run") {
		t.Error(err)
	}
}

func TestNestingIsCountedOutsideText(t *testing.T) {
	for text, want := range map[string]int{`{}`: 1, `{"a":[{"b":"[[[{\"[["}]}`: 3, `"x"`: 0} {
		if got := nesting([]byte(text)); got != want {
			t.Errorf("%s: %d", text, got)
		}
	}
	deep := "apiVersion: v1\nkind: X\nmetadata: {name: a}\nspec: " + strings.Repeat("[", 600) + strings.Repeat("]", 600) + "\n"
	_, err := builder(t, write(t, map[string]string{"t/kustomization.yaml": "resources: [a.yaml]\n", "t/a.yaml": deep})).Build("t")
	if err == nil || !strings.Contains(err.Error(), "nested more than 500 deep") {
		t.Errorf("%v", err)
	}
}

// FuzzBuild renders hostile kustomizations: no panic, and whatever is rendered is what Kustomize renders.
func FuzzBuild(f *testing.F) {
	manifest := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: y}\n"
	f.Add("resources: [a.yaml]\nnamePrefix: x-\n", manifest)
	f.Add("resources: [a.yaml]\npatches: [{target: {kind: ConfigMap}, patch: '- {op: remove, path: /data/x}'}]\n", manifest)
	f.Add("configMapGenerator: [{name: a, literals: [b=c]}]\ncommonLabels: {a: b}\n", manifest)
	f.Add("resources: [a.yaml]\nreplacements: [{source: {kind: ConfigMap, fieldPath: data.x}, targets: [{select: {kind: ConfigMap}, fieldPaths: [data.z], options: {create: true}}]}]\n", manifest)
	f.Add("transformers: [a.yaml]\n", "apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: p}\nprefix: x-\n")
	f.Add("resources: ['../..', /etc, 'https://x']\nhelmCharts: []\ngenerators: [a.yaml]\n", "a: &a [*a]\n")
	f.Fuzz(func(t *testing.T, kustomization, manifest string) {
		root := write(t, map[string]string{"t/kustomization.yaml": kustomization, "t/a.yaml": manifest})
		result, err := builder(t, root).Build("t")
		if err != nil {
			var refusal *protocol.Error
			if !errors.As(err, &refusal) {
				t.Fatalf("not one of ours: %v", err)
			}
			if refusal.Kind == protocol.KindCrash {
				t.Logf("a crash inside Kustomize, contained: %s", refusal.Message)
			}
			if strings.Contains(refusal.Message, root) || strings.Contains(refusal.Message, repository.Mount) {
				t.Errorf("the message shows a place on disk: %s", refusal.Message)
			}
			return
		}
		expected, err := onDisk(filepath.Join(root, "t"))
		if err != nil {
			t.Fatalf("rendered what kustomize refuses: %v", err)
		}
		var got []map[string]any
		for _, each := range result.Resources {
			got = append(got, values(t, each))
		}
		if len(got) != len(expected) || len(got) > 0 && !reflect.DeepEqual(got, expected) {
			t.Errorf("renders to\n%v\nnot\n%v", got, expected)
		}
	})
}
