// Command karpenter-kwok is Karpenter with its KWOK provider: it decides as in a cluster, and its nodes are objects only.
package main

import (
	"fmt"
	"os"
	"runtime/debug"

	"sigs.k8s.io/karpenter/kwok/cloudprovider"
	"sigs.k8s.io/karpenter/pkg/cloudprovider/overlay"
	"sigs.k8s.io/karpenter/pkg/controllers"
	"sigs.k8s.io/karpenter/pkg/controllers/state"
	"sigs.k8s.io/karpenter/pkg/operator"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == "version" {
		fmt.Println(version())
		return
	}
	ctx, op := operator.NewOperator()
	types, err := kwok.ConstructInstanceTypes(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "the file of instance types cannot be used:", err)
		os.Exit(1)
	}
	plain := provider{kwok.NewCloudProvider(ctx, nodeClasses{op.GetClient()}, types)}
	decorated := overlay.Decorate(plain, op.GetClient(), op.InstanceTypeStore)
	cluster := state.NewCluster(op.Clock, op.GetClient(), decorated)
	all := controllers.NewControllers(ctx, op.Manager, op.Clock, op.GetClient(), op.EventRecorder, decorated, plain, cluster,
		op.InstanceTypeStore)
	op.WithControllers(ctx, all...).Start(ctx)
}

// version returns the version of Karpenter that this program was built from.
func version() string {
	if info, found := debug.ReadBuildInfo(); found {
		for _, module := range info.Deps {
			if module.Path == "sigs.k8s.io/karpenter" {
				return module.Version
			}
		}
	}
	return "unknown"
}
