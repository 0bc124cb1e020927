// Command argocd-parts holds the parts of Argo CD that a rehearsal runs: application controller and repo-server, and
// the cache that stands between them.
package main

import (
	"fmt"
	"os"
	"runtime/debug"

	controller "github.com/argoproj/argo-cd/v3/cmd/argocd-application-controller/commands"
	reposerver "github.com/argoproj/argo-cd/v3/cmd/argocd-repo-server/commands"
	"github.com/argoproj/argo-cd/v3/util/log"
	"github.com/argoproj/gitops-engine/pkg/utils/io"
	"github.com/spf13/cobra"
	"k8s.io/klog/v2"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "one of: version, cache, repo-server, application-controller, health, notifications")
		os.Exit(2)
	}
	part, rest := os.Args[1], os.Args[2:]
	var command *cobra.Command
	switch part {
	case "version":
		fmt.Println(version())
		return
	case "cache":
		command = cache()
	case "health":
		command = health()
	case "notifications":
		command = notifications()
	case "repo-server":
		command = reposerver.NewCommand()
	case "application-controller":
		command = controller.NewCommand()
	default:
		fmt.Fprintf(os.Stderr, "%s is no part of Argo CD that is here\n", part)
		os.Exit(2)
	}
	// Else in /dev/shm, where files of a killed program stay.
	io.TempDir = os.TempDir()
	klog.SetLogger(log.NewLogrusLogger(log.NewWithCurrentConfig()))
	command.SetArgs(rest)
	command.SilenceUsage = true
	if err := command.Execute(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// version returns the version of Argo CD that this program was built from.
func version() string {
	if info, found := debug.ReadBuildInfo(); found {
		for _, module := range info.Deps {
			if module.Path == "github.com/argoproj/argo-cd/v3" {
				return module.Version
			}
		}
	}
	return "unknown"
}
