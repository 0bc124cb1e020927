package main

import (
	"context"
	"fmt"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	leaderworkerset "sigs.k8s.io/lws/api/leaderworkerset/v1"
	"sigs.k8s.io/lws/pkg/controllers"
	"sigs.k8s.io/lws/pkg/webhooks"
)

// leaderWorkerSet runs the operator of LeaderWorkerSets with its webhooks, which give the pods of a group their labels,
// addresses and exclusive topology.
func leaderWorkerSet(ctx context.Context) error {
	served, err := newEndpoint()
	if err != nil {
		return fmt.Errorf("making a certificate for webhooks: %w", err)
	}
	defer os.RemoveAll(served.folder)
	options := ctrl.Options{
		WebhookServer: webhook.NewServer(webhook.Options{Host: "127.0.0.1", Port: served.port, CertDir: served.folder}),
	}
	return run(ctx, options, []func(*runtime.Scheme) error{leaderworkerset.AddToScheme}, func(manager ctrl.Manager) error {
		if err := controllers.SetupIndexes(manager.GetFieldIndexer()); err != nil {
			return err
		}
		recorder := manager.GetEventRecorder("leaderworkerset")
		sets := controllers.NewLeaderWorkerSetReconciler(manager.GetClient(), manager.GetScheme(), recorder)
		if err := sets.SetupWithManager(manager); err != nil {
			return err
		}
		pods := controllers.NewPodReconciler(manager.GetClient(), manager.GetScheme(), recorder, nil)
		if err := pods.SetupWithManager(manager); err != nil {
			return err
		}
		if err := webhooks.SetupLeaderWorkerSetWebhook(manager); err != nil {
			return err
		}
		if err := webhooks.NewPodWebhook(nil).Setup(manager); err != nil {
			return err
		}
		return manager.Add(served.registration(manager.GetClient(), manager.GetWebhookServer()))
	})
}
