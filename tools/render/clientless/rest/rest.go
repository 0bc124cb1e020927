// Package rest holds what Helm's engine takes for the way to a cluster; the renderer never has one to give.
package rest

// Config would say where a cluster is.
type Config struct{}
