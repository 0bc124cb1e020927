package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"modelyard.dev/render/internal/build"
	"modelyard.dev/render/internal/protocol"
)

func greeting() protocol.Greeting {
	return protocol.Greeting{
		Version: protocol.Version, Kustomize: strings.TrimPrefix(build.KustomizeRelease, "v"), Kubernetes: protocol.ModuleVersion("k8s.io/apiextensions-apiserver"),
		Helm: strings.TrimPrefix(protocol.ModuleVersion("helm.sh/helm/v4"), "v"),
	}
}

func versions() string {
	return fmt.Sprintf("modelyard-render protocol %d, kustomize %s (api %s), helm %s, apiextensions-apiserver %s",
		protocol.Version, strings.TrimPrefix(build.KustomizeRelease, "v"), protocol.ModuleVersion("sigs.k8s.io/kustomize/api"),
		protocol.ModuleVersion("helm.sh/helm/v4"), protocol.ModuleVersion("k8s.io/apiextensions-apiserver"))
}

type noNetwork struct{}

func (noNetwork) RoundTrip(request *http.Request) (*http.Response, error) {
	return nil, errors.New("rendering never uses the network: " + request.URL.Redacted())
}

// refuseNetwork is the last of three fences: remote entries are refused by file and line, and workers find no git.
func refuseNetwork() { http.DefaultTransport = noNetwork{} }
