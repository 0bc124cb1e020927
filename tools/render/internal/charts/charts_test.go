package charts

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"modelyard.dev/render/internal/protocol"
)

func archive(t *testing.T, files map[string]string) *protocol.Chart {
	t.Helper()
	var packed bytes.Buffer
	compressed := gzip.NewWriter(&packed)
	written := tar.NewWriter(compressed)
	for name, content := range files {
		header := &tar.Header{Name: "web/" + name, Mode: 0o644, Size: int64(len(content))}
		if err := written.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := written.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(written.Close(), compressed.Close()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "web.tgz")
	if err := os.WriteFile(path, packed.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return &protocol.Chart{Archive: path, Release: "r", Namespace: "web", KubeVersion: "1.35.6"}
}

func rendered(t *testing.T, wanted *protocol.Chart) []string {
	t.Helper()
	resources, err := Render(wanted, "v4.2.1", 100)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, each := range resources {
		all = append(all, string(each.Manifest))
	}
	return all
}

const chartYAML = "apiVersion: v2\nname: web\nversion: 1.2.3\n"

func TestAChartIsRenderedAsHelmDoes(t *testing.T) {
	wanted := archive(t, map[string]string{
		"Chart.yaml":          chartYAML,
		"values.yaml":         "replicas: 1\n",
		"crds/a.yaml":         "kind: CustomResourceDefinition\n---\nkind: CustomResourceDefinition\n",
		"templates/NOTES.txt": "kind: Notes\n",
		"templates/_a.tpl":    "{{ define \"a\" }}x{{ end }}",
		"templates/job.yaml":  "kind: Job\nmetadata: {annotations: {helm.sh/hook: pre-install}}\n",
		"templates/web.yaml": "kind: Web\nspec: {replicas: {{ .Values.replicas }}, in: {{ .Release.Namespace }}, of: {{ .Capabilities.KubeVersion }}}\n" +
			"---\n{{ if .Capabilities.APIVersions.Has \"example.com/v1/Thing\" }}kind: Thing{{ end }}\n",
		"templates/list.yaml":  "kind: ThingList\nitems: [{kind: A}, {kind: B}]\n",
		"templates/empty.yaml": "# nothing\n",
	})
	wanted.Values = []string{"replicas: 2\n", "{\"replicas\": 3}"}
	wanted.APIVersions = []string{"example.com/v1/Thing"}
	all := strings.Join(rendered(t, wanted), " ")
	for _, part := range []string{`"replicas":3`, `"in":"web"`, `"of":"v1.35.6"`, `{"kind":"Thing"}`, `{"kind":"A"} {"kind":"B"}`, `"helm.sh/hook"`} {
		if !strings.Contains(all, part) {
			t.Errorf("%s is not in %s", part, all)
		}
	}
	if strings.Contains(all, "Notes") || strings.Count(all, "CustomResourceDefinition") != 2 {
		t.Errorf("notes are no resource, and there are two definitions: %s", all)
	}
	wanted.SkipCRDs, wanted.APIVersions = true, nil
	if all := strings.Join(rendered(t, wanted), " "); strings.Contains(all, "CustomResourceDefinition") || strings.Contains(all, `"Thing"`) {
		t.Errorf("neither definitions nor what needs an API that is not there: %s", all)
	}
}

func TestWhatDoesNotRenderSaysWhy(t *testing.T) {
	tests := map[string]struct {
		files  map[string]string
		change func(*protocol.Chart)
		says   string
	}{
		"a template":   {map[string]string{"Chart.yaml": chartYAML, "templates/a.yaml": "{{ fail \"broken\" }}"}, nil, "broken"},
		"no resource":  {map[string]string{"Chart.yaml": chartYAML, "templates/a.yaml": "a: b\n"}, nil, "without a kind"},
		"a dependency": {map[string]string{"Chart.yaml": chartYAML + "dependencies: [{name: redis, version: 1.0.0, repository: https://example.com}]\n"}, nil, "missing in charts/ directory: redis"},
		"a library":    {map[string]string{"Chart.yaml": chartYAML + "type: library\n"}, nil, "library charts are not installable"},
		"an old one":   {map[string]string{"Chart.yaml": chartYAML + "kubeVersion: '>=1.99'\n"}, nil, "incompatible with Kubernetes v1.35.6"},
		"values":       {map[string]string{"Chart.yaml": chartYAML}, func(c *protocol.Chart) { c.Values = []string{"a: [b"} }, "values cannot be read"},
		"no archive":   {map[string]string{"Chart.yaml": chartYAML}, func(c *protocol.Chart) { c.Archive += "x" }, "cannot be read"},
		"a release":    {map[string]string{"Chart.yaml": chartYAML}, func(c *protocol.Chart) { c.Release = "--post-renderer=x" }, "release name"},
		"a schema":     {map[string]string{"Chart.yaml": chartYAML, "values.schema.json": `{"required": ["name"]}`}, nil, "name"},
	}
	for name, test := range tests {
		wanted := archive(t, test.files)
		if test.change != nil {
			test.change(wanted)
		}
		_, err := Render(wanted, "v4.2.1", 100)
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v does not say %q", name, err, test.says)
		}
	}
}
