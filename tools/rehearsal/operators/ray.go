package main

import (
	"context"

	rayv1 "github.com/ray-project/kuberay/ray-operator/apis/ray/v1"
	controllers "github.com/ray-project/kuberay/ray-operator/controllers/ray"
	"github.com/ray-project/kuberay/ray-operator/controllers/ray/utils"
	"github.com/ray-project/kuberay/ray-operator/controllers/ray/utils/dashboardclient"
	utiltypes "github.com/ray-project/kuberay/ray-operator/controllers/ray/utils/types"
	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// ray runs KubeRay's controllers of RayClusters and RayServices.
func ray(ctx context.Context) error {
	add := []func(*runtime.Scheme) error{rayv1.AddToScheme, batchv1.AddToScheme}
	return run(ctx, ctrl.Options{}, add, func(manager ctrl.Manager) error {
		clusters := controllers.NewReconciler(ctx, manager, controllers.RayClusterReconcilerOptions{})
		if err := clusters.SetupWithManager(manager, 1); err != nil {
			return err
		}
		return controllers.NewRayServiceReconciler(ctx, manager, heads{}).SetupWithManager(manager, 1)
	})
}

// heads answers in place of Ray's head pods, which do not run here: what was deployed to one runs.
type heads struct{}

// GetDashboardClient returns what makes a client of a head's dashboard.
func (heads) GetDashboardClient(context.Context, manager.Manager) func(*rayv1.RayCluster, string) (dashboardclient.RayDashboardClientInterface, error) {
	return func(*rayv1.RayCluster, string) (dashboardclient.RayDashboardClientInterface, error) {
		client := &utils.FakeRayDashboardClient{}
		running := &utiltypes.ServeApplicationStatus{Status: rayv1.ApplicationStatusEnum.RUNNING}
		client.SetMultiApplicationStatuses(map[string]*utiltypes.ServeApplicationStatus{"stand-in": running})
		return client, nil
	}
}

// GetHttpProxyClient returns what makes a client of a head's proxy.
func (heads) GetHttpProxyClient(manager.Manager) func(string, string, string, int) utils.RayHttpProxyClientInterface {
	return func(string, string, string, int) utils.RayHttpProxyClientInterface {
		return &utils.FakeRayHttpProxyClient{IsHealthy: true}
	}
}
