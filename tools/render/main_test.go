package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"modelyard.dev/render/internal/protocol"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "worker" {
		main() // the supervisor starts this test program as its worker
	}
	os.Exit(m.Run())
}

func TestInputThatCannotBeUsed(t *testing.T) {
	root := t.TempDir()
	header := `{"version":2,"root":"` + root + `"}` + "\n"
	for input, says := range map[string]string{
		"":                                "there is no header",
		"{}\n":                            "asks for protocol version 0; this program speaks version 2",
		"not json\n":                      "the first line should be a header",
		`{"version":2,"root":"x"}` + "\n": "root should be an absolute path",
		`{"version":2,"rot":"/"}` + "\n":  `unknown field "rot"`,
		`{"version":2,"root":"/","parallel":-1}` + "\n": "limits should not be negative",
		header + "{}\n": "a target has no id",
		header + `{"id":"1","path":"x"}` + "\n" + `{"id":"1","path":"y"}` + "\n":                            `two targets have the id "1"`,
		`{"version":2,"root":"` + root + `/none"}` + "\n" + `{"id":"1","path":"x"}` + "\n":                  "the repository cannot be opened",
		`{"version":2,"root":"` + root + `","definitions":"/none"}` + "\n" + `{"id":"1","path":"x"}` + "\n": "definitions of Kubernetes' kinds cannot be read",
		`{"version":2,"root":"` + root + `","crds":["/none"]}` + "\n" + `{"id":"1","path":"x"}` + "\n":      "there are no CRDs at /none",
	} {
		var output, messages bytes.Buffer
		if code := run(nil, strings.NewReader(input), &output, &messages); code != 2 {
			t.Errorf("%q: exit status %d", input, code)
		}
		if !strings.HasPrefix(messages.String(), "modelyard-render: ") || !strings.Contains(messages.String(), says) {
			t.Errorf("%q: %q", input, messages.String())
		}
	}
}

func TestARunGreetsRendersAndEnds(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "kustomization.yaml"), []byte("configMapGenerator: [{name: a}]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var output, messages bytes.Buffer
	input := `{"version":2,"root":"` + root + `"}` + "\n" + `{"id":"1","path":"."}` + "\n" + `{"id":"2","path":"x"}` + "\n"
	if code := run(nil, strings.NewReader(input), &output, &messages); code != 0 {
		t.Fatal(messages.String())
	}
	lines := strings.Split(strings.TrimSpace(output.String()), "\n")
	if len(lines) != 4 {
		t.Fatal(output.String())
	}
	var greeting protocol.Greeting
	if err := json.Unmarshal([]byte(lines[0]), &greeting); err != nil || greeting.Version != protocol.Version || greeting.Kustomize == "" {
		t.Error(lines[0])
	}
}

// TestKustomizeIsTheReleasesOwn reads what the kustomize command of that release requires.
func TestKustomizeIsTheReleasesOwn(t *testing.T) {
	release := strings.Fields(versions())
	command := exec.Command("go", "list", "-m", "-f", "{{.Version}} {{.GoMod}}", "sigs.k8s.io/kustomize/api")
	ours, err := command.Output()
	if err != nil {
		t.Skip("go cannot list modules: ", err)
	}
	tools := exec.Command("go", "list", "-m", "-f", "{{.Path}} {{.Version}}", "sigs.k8s.io/kustomize/kustomize/v5", "sigs.k8s.io/kustomize/api")
	tools.Dir = ".."
	pinned, err := tools.Output()
	if err != nil {
		t.Skip("the pinned kustomize is not to be had: ", err)
	}
	api := strings.Fields(string(ours))[0]
	for _, want := range []string{"sigs.k8s.io/kustomize/api " + api, "sigs.k8s.io/kustomize/kustomize/v5 v" + release[4]} {
		if !strings.Contains(string(pinned), want) {
			t.Errorf("tools/go.mod has %q, this module %q", pinned, want)
		}
	}
}
