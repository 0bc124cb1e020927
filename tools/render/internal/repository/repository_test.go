package repository

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"modelyard.dev/render/internal/protocol"
)

func opened(t *testing.T) (*Repository, string) {
	t.Helper()
	root := filepath.Join(t.TempDir(), "repository")
	for name, text := range map[string]string{"a/one.yaml": "1", "b/two.yaml": "22", "../outside.yaml": "secret"} {
		place := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(place, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, destination := range map[string]string{
		"link": "a", "a/up": "../b/two.yaml", "out": "../outside.yaml", "absolute": "/etc/passwd", "x": "y", "y": "x", "root": "..",
	} {
		if err := os.Symlink(destination, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	repository, err := Open(root, 100, 100)
	if err != nil {
		t.Fatal(err)
	}
	return repository, root
}

func TestLinksInsideAreFollowed(t *testing.T) {
	repository, _ := opened(t)
	view := repository.NewView()
	for mounted, want := range map[string]string{"/link/one.yaml": "1", "/link/up": "22", "/a/../b/two.yaml": "22"} {
		if content, err := view.ReadFile(Mount + mounted); err != nil || string(content) != want {
			t.Errorf("%s: %q, %v", mounted, content, err)
		}
	}
	folder, name, err := view.CleanedAbs(Mount + "/link/up")
	if err != nil || folder.String() != Mount+"/b" || name != "two.yaml" {
		t.Errorf("%s %s %v", folder, name, err)
	}
	if inputs := view.Inputs(); len(inputs) != 2 || inputs[0] != "a/one.yaml" || inputs[1] != "b/two.yaml" {
		t.Errorf("inputs are real paths: %v", inputs)
	}
}

func TestNothingOutsideIsRead(t *testing.T) {
	repository, root := opened(t)
	for mounted, kind := range map[string]string{
		Mount + "/out":               protocol.KindOutside,
		Mount + "/absolute":          protocol.KindOutside,
		Mount + "/root/outside.yaml": protocol.KindOutside,
		Mount + "/../outside.yaml":   protocol.KindOutside,
		"/etc/passwd":                protocol.KindOutside,
		root + "/a/one.yaml":         protocol.KindOutside,
		Mount + "/x":                 protocol.KindCycle,
		Mount + "/none":              protocol.KindMissing,
		Mount + "/a":                 protocol.KindMalformed,
	} {
		view := repository.NewView()
		content, err := view.ReadFile(mounted)
		var refusal *protocol.Error
		if !errors.As(err, &refusal) || refusal.Kind != kind || content != nil {
			t.Errorf("%s: %q, %v", mounted, content, err)
		}
		if (view.Refusal() != nil) != (kind != protocol.KindMissing) {
			t.Errorf("%s: refusal %v", mounted, view.Refusal())
		}
		if _, err := view.Create(mounted); err == nil || view.WriteFile(mounted, nil) == nil || view.RemoveAll(mounted) == nil {
			t.Errorf("%s can be written", mounted)
		}
	}
}

func TestLargeFilesAreRefusedAndTheCacheIsBounded(t *testing.T) {
	repository, root := opened(t)
	if err := os.WriteFile(filepath.Join(root, "large"), make([]byte, 101), 0o644); err != nil {
		t.Fatal(err)
	}
	var refusal *protocol.Error
	if _, err := repository.Read("large"); !errors.As(err, &refusal) || refusal.Kind != protocol.KindSize {
		t.Errorf("%v", err)
	}
	for _, name := range []string{"p", "q"} {
		if err := os.WriteFile(filepath.Join(root, name), make([]byte, 60), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := repository.Read(name); err != nil {
			t.Error(err)
		}
	}
	if repository.budget != 40 || len(repository.files) != 1 {
		t.Errorf("%d bytes left, %d files kept", repository.budget, len(repository.files))
	}
}

func TestAnotherTargetsChangesDoNotShow(t *testing.T) {
	repository, _ := opened(t)
	first, second := repository.NewView(), repository.NewView()
	first.Replace("a/one.yaml", []byte("other"))
	content, _ := first.ReadFile(Mount + "/a/one.yaml")
	content[0] = 'X'
	if again, _ := first.ReadFile(Mount + "/a/one.yaml"); string(again) != "other" {
		t.Errorf("%q", again)
	}
	if untouched, _ := second.ReadFile(Mount + "/a/one.yaml"); string(untouched) != "1" {
		t.Errorf("%q", untouched)
	}
}
