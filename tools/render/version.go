package main

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"

	"modelyard.dev/render/internal/build"
	"modelyard.dev/render/internal/protocol"
)

func greeting() protocol.Greeting {
	return protocol.Greeting{
		Version: protocol.Version, Kustomize: strings.TrimPrefix(build.KustomizeRelease, "v"), Kubernetes: moduleVersion("k8s.io/apiextensions-apiserver"),
	}
}

func versions() string {
	return fmt.Sprintf("modelyard-render protocol %d, kustomize %s (api %s), apiextensions-apiserver %s",
		protocol.Version, strings.TrimPrefix(build.KustomizeRelease, "v"), moduleVersion("sigs.k8s.io/kustomize/api"), moduleVersion("k8s.io/apiextensions-apiserver"))
}

func moduleVersion(module string) string {
	information, found := debug.ReadBuildInfo()
	if !found {
		return "unknown"
	}
	for _, each := range information.Deps {
		if each.Path == module {
			return each.Version
		}
	}
	return "unknown"
}

type noNetwork struct{}

func (noNetwork) RoundTrip(request *http.Request) (*http.Response, error) {
	return nil, errors.New("rendering never uses the network: " + request.URL.Redacted())
}

// refuseNetwork is the last of three fences: remote entries are refused by file and line, and workers find no git.
func refuseNetwork() { http.DefaultTransport = noNetwork{} }
