// Package discovery holds what Helm's engine would ask for the kinds of a cluster.
package discovery

import (
	"errors"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"k8s.io/client-go/rest"
)

// DiscoveryClient would list kinds; there is none.
type DiscoveryClient struct{}

// NewDiscoveryClientForConfig refuses.
func NewDiscoveryClientForConfig(*rest.Config) (*DiscoveryClient, error) {
	return nil, errors.New("the renderer holds no client of a cluster")
}

// ServerResourcesForGroupVersion refuses.
func (*DiscoveryClient) ServerResourcesForGroupVersion(string) (*metav1.APIResourceList, error) {
	return nil, errors.New("the renderer holds no client of a cluster")
}
