// Package kubernetes is imported by Helm for nothing but its module's version.
package kubernetes
