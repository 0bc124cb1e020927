package protocol

import "runtime/debug"

// ModuleVersion returns the version of a Go module that this program is built from, as its go.mod has it.
func ModuleVersion(module string) string {
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
