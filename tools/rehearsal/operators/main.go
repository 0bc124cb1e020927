// Command operator-parts holds the operators whose pods a rehearsal places: LeaderWorkerSet's and KubeRay's own controllers.
package main

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"

	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// modules are what the operators are built from.
var modules = []string{"sigs.k8s.io/lws", "github.com/ray-project/kuberay/ray-operator"}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "one of: version, leader-worker-set, ray")
		os.Exit(2)
	}
	ctx := ctrl.SetupSignalHandler()
	ctrl.SetLogger(klog.Background())
	var err error
	switch os.Args[1] {
	case "version":
		for _, module := range modules {
			fmt.Println(module, version(module))
		}
	case "leader-worker-set":
		err = leaderWorkerSet(ctx)
	case "ray":
		err = ray(ctx)
	default:
		err = fmt.Errorf("%s is no operator that is here", os.Args[1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run starts a manager whose controllers setUp adds; it serves neither metrics nor health, and only this machine reaches it.
func run(ctx context.Context, options ctrl.Options, add []func(*runtime.Scheme) error, setUp func(ctrl.Manager) error) error {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	for _, each := range add {
		utilruntime.Must(each(scheme))
	}
	options.Scheme = scheme
	options.Metrics = metricsserver.Options{BindAddress: "0"}
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 100, 200
	manager, err := ctrl.NewManager(config, options)
	if err != nil {
		return err
	}
	if err := setUp(manager); err != nil {
		return err
	}
	return manager.Start(ctx)
}

// version returns the version of a module that this program was built from.
func version(path string) string {
	if info, found := debug.ReadBuildInfo(); found {
		for _, module := range info.Deps {
			if module.Path == path {
				return module.Version
			}
		}
	}
	return "unknown"
}
