// Package protocol holds the JSON lines that modelyard-render reads and writes.
//
// docs/reference/render-protocol.md describes them for readers; the structs here are their only definition in code.
package protocol

import "encoding/json"

// Version counts incompatible changes. A header with another version is refused.
const Version = 2

// Header is the first line of the input.
type Header struct {
	Version        int      `json:"version"`
	Root           string   `json:"root"`
	Definitions    string   `json:"definitions,omitempty"`
	CRDFolders     []string `json:"crdFolders,omitempty"`
	CRDs           []string `json:"crds,omitempty"`
	SchemaFolders  []string `json:"schemaFolders,omitempty"`
	Parallel       int      `json:"parallel,omitempty"`
	TimeoutSeconds float64  `json:"timeoutSeconds,omitempty"`
	MaxFileBytes   int64    `json:"maxFileBytes,omitempty"`
	MaxMemoryBytes int64    `json:"maxMemoryBytes,omitempty"`
	MaxResources   int      `json:"maxResources,omitempty"`
}

// Target is every further line of the input: a folder with a kustomization, or a chart.
type Target struct {
	ID   string `json:"id"`
	Path string `json:"path"`
	// Chart is rendered instead of the kustomization; errors still name Path.
	Chart *Chart `json:"chart,omitempty"`
}

// Chart is a chart's archive with all that decides what it renders to.
type Chart struct {
	Archive     string   `json:"archive"`
	Release     string   `json:"release"`
	Namespace   string   `json:"namespace"`
	KubeVersion string   `json:"kubeVersion"`
	APIVersions []string `json:"apiVersions,omitempty"`
	// Values are texts in YAML; a later one wins.
	Values   []string `json:"values,omitempty"`
	SkipCRDs bool     `json:"skipCRDs,omitempty"`
}

// Greeting is the first line of the output.
type Greeting struct {
	Version    int    `json:"version"`
	Kustomize  string `json:"kustomize"`
	Kubernetes string `json:"kubernetes"`
	Helm       string `json:"helm"`
}

// Resource is one line per rendered resource, in Kustomize's order.
type Resource struct {
	ID              string           `json:"id"`
	Index           int              `json:"index"`
	Object          json.RawMessage  `json:"object"`
	Origin          *Origin          `json:"origin,omitempty"`
	Transformations []Transformation `json:"transformations,omitempty"`
	Schema          *Schema          `json:"schema,omitempty"`
	CEL             *CEL             `json:"cel,omitempty"`
	Duplicates      []Duplicate      `json:"duplicates,omitempty"`
}

// Origin says where a resource came from. Paths are relative to the repository's root.
type Origin struct {
	Path         string      `json:"path,omitempty"`
	ConfiguredIn string      `json:"configuredIn,omitempty"`
	ConfiguredBy *Configurer `json:"configuredBy,omitempty"`
}

// Transformation names a transformer that Kustomize ran over a resource, whether or not it changed anything.
type Transformation struct {
	ConfiguredIn string      `json:"configuredIn,omitempty"`
	ConfiguredBy *Configurer `json:"configuredBy,omitempty"`
}

// Configurer identifies a generator or a transformer.
type Configurer struct {
	APIVersion string `json:"apiVersion,omitempty"`
	Kind       string `json:"kind,omitempty"`
	Name       string `json:"name,omitempty"`
}

// Statuses of a schema verdict.
const (
	Valid    = "valid"
	Invalid  = "invalid"
	NoSchema = "no-schema"
)

// Schema is the verdict of structural validation.
type Schema struct {
	Status   string    `json:"status"`
	Problems []Problem `json:"problems,omitempty"`
}

// Problem is one thing that an API server would refuse.
type Problem struct {
	Path    string `json:"path"`
	Message string `json:"message"`
}

// CEL is the verdict of a kind's validation rules. Checked is false when they could not be evaluated.
type CEL struct {
	Checked  bool         `json:"checked"`
	Reason   string       `json:"reason,omitempty"`
	Problems []CELProblem `json:"problems,omitempty"`
}

// CELProblem is one broken validation rule.
type CELProblem struct {
	Path    string `json:"path"`
	Message string `json:"message"`
	Rule    string `json:"rule,omitempty"`
}

// Duplicate is a second list item with the same key.
type Duplicate struct {
	Path string `json:"path"`
	Key  string `json:"key"`
}

// Kinds of errors.
const (
	KindMissing   = "missing"   // a file or folder that is named does not exist
	KindRemote    = "remote"    // something is read from the network
	KindOutside   = "outside"   // a path leaves the repository, or a folder that Kustomize confines it to
	KindCycle     = "cycle"     // kustomizations include each other
	KindMalformed = "malformed" // a file is not what it should be
	KindExecutes  = "executes"  // Helm, a plugin or a function would run
	KindDepth     = "depth"     // too many kustomizations in a row or in all
	KindSize      = "size"      // a file or the output is too large
	KindBuild     = "build"     // Kustomize cannot apply what is written
	KindTimeout   = "timeout"   // the target took too long
	KindMemory    = "memory"    // the target took too much memory
	KindCrash     = "crash"     // the renderer crashed on the target
)

// Error says why a target has no resources. It implements error.
type Error struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
	Path    string `json:"path,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Fix     string `json:"fix,omitempty"`
}

func (e *Error) Error() string { return e.Message }

// Done is the last line of a target. Resource lines of a target whose Error is set do not occur.
type Done struct {
	Done      bool     `json:"done"`
	ID        string   `json:"id"`
	Resources int      `json:"resources"`
	Seconds   float64  `json:"seconds"`
	Error     *Error   `json:"error,omitempty"`
	Inputs    []string `json:"inputs"`
	Absent    []string `json:"absent,omitempty"`
	// Isolate asks the supervisor to run the target in a process of its own; it never reaches the output.
	Isolate bool `json:"isolate,omitempty"`
}
