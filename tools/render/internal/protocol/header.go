package protocol

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
)

// Defaults of a header's limits.
const (
	DefaultTimeoutSeconds = 60
	DefaultMaxFileBytes   = 20 << 20
	DefaultMaxMemoryBytes = 2 << 30
	DefaultMaxResources   = 20_000
	// MaxLineBytes bounds a line of the input: a header is short, and so are a chart's values.
	MaxLineBytes = 8 << 20
)

// ParseHeader reads a header strictly and fills in the defaults.
func ParseHeader(line []byte) (*Header, error) {
	header := &Header{}
	if err := decodeStrictly(line, header); err != nil {
		return nil, fmt.Errorf("the first line should be a header: %w", err)
	}
	if header.Version != Version {
		return nil, fmt.Errorf("the header asks for protocol version %d; this program speaks version %d", header.Version, Version)
	}
	if !filepath.IsAbs(header.Root) {
		return nil, fmt.Errorf("root should be an absolute path, not %q", header.Root)
	}
	for _, place := range slices.Concat(header.SchemaFolders, header.CRDFolders, header.CRDs) {
		if !filepath.IsAbs(place) {
			return nil, fmt.Errorf("schemas and CRDs should be absolute paths, not %q", place)
		}
	}
	if header.Definitions != "" && !filepath.IsAbs(header.Definitions) {
		return nil, fmt.Errorf("definitions should be an absolute path, not %q", header.Definitions)
	}
	if header.TimeoutSeconds < 0 || header.MaxFileBytes < 0 || header.MaxMemoryBytes < 0 || header.MaxResources < 0 || header.Parallel < 0 {
		return nil, fmt.Errorf("limits should not be negative")
	}
	header.fillDefaults()
	return header, nil
}

func (header *Header) fillDefaults() {
	if header.Parallel == 0 {
		header.Parallel = runtime.GOMAXPROCS(0)
	}
	if header.TimeoutSeconds == 0 {
		header.TimeoutSeconds = DefaultTimeoutSeconds
	}
	if header.MaxFileBytes == 0 {
		header.MaxFileBytes = DefaultMaxFileBytes
	}
	if header.MaxMemoryBytes == 0 {
		header.MaxMemoryBytes = DefaultMaxMemoryBytes
	}
	if header.MaxResources == 0 {
		header.MaxResources = DefaultMaxResources
	}
}

// ParseTarget reads a target's line strictly.
func ParseTarget(line []byte) (Target, error) {
	var target Target
	if err := decodeStrictly(line, &target); err != nil {
		return target, fmt.Errorf("a line should be a target: %w", err)
	}
	if target.ID == "" {
		return target, fmt.Errorf("a target has no id")
	}
	if target.Chart != nil && !filepath.IsAbs(target.Chart.Archive) {
		return target, fmt.Errorf("a chart's archive should be an absolute path, not %q", target.Chart.Archive)
	}
	return target, nil
}

func decodeStrictly(line []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if decoder.More() {
		return fmt.Errorf("more than one value on the line")
	}
	return nil
}
