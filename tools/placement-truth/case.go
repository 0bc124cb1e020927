package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"

	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	awsapis "github.com/aws/karpenter-provider-aws/pkg/apis/v1"
	awsoptions "github.com/aws/karpenter-provider-aws/pkg/operator/options"
	"github.com/aws/karpenter-provider-aws/pkg/providers/instance/filter"
	"github.com/go-logr/logr"
	"github.com/samber/lo"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/log"
	karpv1 "sigs.k8s.io/karpenter/pkg/apis/v1"
	"sigs.k8s.io/karpenter/pkg/cloudprovider"
	"sigs.k8s.io/karpenter/pkg/controllers/provisioning"
	"sigs.k8s.io/karpenter/pkg/controllers/provisioning/scheduling"
	"sigs.k8s.io/karpenter/pkg/controllers/state"
	"sigs.k8s.io/karpenter/pkg/events"
	karpoptions "sigs.k8s.io/karpenter/pkg/operator/options"
)

// Case is one cluster without nodes and the pods that wait in it.
type Case struct {
	VMMemoryOverheadPercent float64                         `json:"vmMemoryOverheadPercent"`
	ReservedENIs            int                             `json:"reservedENIs"`
	Zones                   []Zone                          `json:"zones"`
	Offers                  map[string]Offer                `json:"offers"`
	NodeClasses             []*awsapis.EC2NodeClass         `json:"nodeClasses"`
	Pools                   []*karpv1.NodePool              `json:"pools"`
	DaemonSets              []*appsv1.DaemonSet             `json:"daemonSets"`
	Pods                    []*corev1.Pod                   `json:"pods"`
	StorageClasses          []*storagev1.StorageClass       `json:"storageClasses"`
	Claims                  []*corev1.PersistentVolumeClaim `json:"claims"`
	Volumes                 []*corev1.PersistentVolume      `json:"volumes"`
	// Describe asks for the instance types as Karpenter sees them.
	Describe bool `json:"describe"`
	// Runs is how often the case is solved: Karpenter's choice among equals is random.
	Runs int `json:"runs"`
}

// Zone is a zone with a subnet in it.
type Zone struct {
	Name string `json:"name"`
	ID   string `json:"id"`
}

// Offer says in which zones an instance type is offered, and for how much; no price of a kind means not offered so.
type Offer struct {
	Zones    []string `json:"zones"`
	OnDemand *float64 `json:"onDemand"`
	Spot     *float64 `json:"spot"`
}

// Verdict is the answer to a case.
type Verdict struct {
	Runs  []Run                             `json:"runs"`
	Types map[string]map[string]Description `json:"types,omitempty"`
}

// Run is one solution.
type Run struct {
	Errors map[string]string `json:"errors"`
	Nodes  []Node            `json:"nodes"`
}

// Node is a node that Karpenter would start.
type Node struct {
	Pool          string   `json:"pool"`
	Pods          []string `json:"pods"`
	Types         []string `json:"types"`
	Launched      []string `json:"launched"`
	CheapestPrice float64  `json:"cheapestPrice"`
	Zones         []string `json:"zones"`
	CapacityTypes []string `json:"capacityTypes"`
}

// Description is an instance type as Karpenter sees it.
type Description struct {
	Capacity     map[string]string   `json:"capacity"`
	Allocatable  map[string]string   `json:"allocatable"`
	Requirements map[string][]string `json:"requirements"`
	Available    bool                `json:"available"`
}

type silent struct{}

func (silent) Publish(...events.Event) {}

func (c Case) solve(ctx context.Context, facts Facts) (Verdict, error) {
	ctx = log.IntoContext(ctx, logr.FromSlogHandler(slog.NewTextHandler(io.Discard, nil)))
	ctx = karpoptions.ToContext(ctx, &karpoptions.Options{
		CPURequests:       1000,
		IgnoreDRARequests: true,
		PreferencePolicy:  karpoptions.PreferencePolicyRespect,
		MinValuesPolicy:   karpoptions.MinValuesPolicyStrict,
	})
	ctx = awsoptions.ToContext(ctx, &awsoptions.Options{
		VMMemoryOverheadPercent: c.VMMemoryOverheadPercent,
		ReservedENIs:            c.ReservedENIs,
	})
	provider := c.provider(ctx, facts)
	verdict := Verdict{}
	for range max(c.Runs, 1) {
		run, err := c.run(ctx, provider)
		if err != nil {
			return verdict, err
		}
		verdict.Runs = append(verdict.Runs, run)
	}
	if c.Describe {
		verdict.Types = provider.describe()
	}
	return verdict, nil
}

func (c Case) run(ctx context.Context, provider *cloud) (Run, error) {
	kubeClient := c.client()
	cluster := state.NewCluster(clock.RealClock{}, kubeClient, provider)
	provisioner := provisioning.NewProvisioner(kubeClient, silent{}, provider, cluster, clock.RealClock{}, nil, nil)
	answer := Run{Errors: map[string]string{}, Nodes: []Node{}}
	var pods []*corev1.Pod
	for _, pod := range c.Pods {
		if err := provisioner.Validate(ctx, pod); err != nil {
			answer.Errors[pod.Name] = err.Error()
			continue
		}
		pods = append(pods, pod.DeepCopy())
	}
	if len(pods) == 0 {
		return answer, nil
	}
	scheduler, err := provisioner.NewScheduler(ctx, pods, nil, sets.New[types.UID](),
		scheduling.DisableReservedCapacityFallback,
		scheduling.NumConcurrentReconciles(1),
		scheduling.MinValuesPolicy(karpoptions.MinValuesPolicyStrict),
	)
	if err != nil {
		return answer, fmt.Errorf("making the scheduler: %w", err)
	}
	results, err := scheduler.Solve(ctx, pods)
	if err != nil {
		return answer, fmt.Errorf("solving: %w", err)
	}
	results = results.TruncateInstanceTypes(ctx, scheduling.MaxInstanceTypes)
	for pod, err := range results.PodErrors {
		answer.Errors[pod.Name] = err.Error()
	}
	for _, claim := range results.NewNodeClaims {
		answer.Nodes = append(answer.Nodes, node(claim))
	}
	return answer, nil
}

func node(claim *scheduling.NodeClaim) Node {
	options := claim.InstanceTypeOptions.OrderByPrice(claim.Requirements)
	launched := []*cloudprovider.InstanceType(options)
	// What the provider does before it asks EC2: GPU and metal types go where others will do, and spot that costs more
	// than on-demand does.
	for _, each := range []filter.Filter{
		filter.CompatibleAvailableFilter(claim.Requirements, claim.Spec.Resources.Requests),
		filter.ExoticInstanceTypeFilter(claim.Requirements),
	} {
		launched, _ = each.FilterReject(launched)
	}
	launched = cloudprovider.InstanceTypes(launched).OrderByPrice(claim.Requirements)
	cheapest := math.MaxFloat64
	zones, kinds := sets.New[string](), sets.New[string]()
	for _, each := range launched {
		for _, offering := range each.Offerings.Available().Compatible(claim.Requirements) {
			cheapest = math.Min(cheapest, offering.Price)
			zones.Insert(offering.Zone())
			kinds.Insert(offering.CapacityType())
		}
	}
	names := func(its []*cloudprovider.InstanceType) []string {
		return lo.Map(its, func(it *cloudprovider.InstanceType, _ int) string { return it.Name })
	}
	return Node{
		Pool:          claim.NodePoolName,
		Pods:          lo.Map(claim.Pods, func(pod *corev1.Pod, _ int) string { return pod.Name }),
		Types:         names(options),
		Launched:      names(launched),
		CheapestPrice: cheapest,
		Zones:         sets.List(zones),
		CapacityTypes: sets.List(kinds),
	}
}

func (c Case) client() client.Client {
	builder := fake.NewClientBuilder().WithScheme(clientscheme.Scheme)
	for _, each := range c.Pools {
		pool := each.DeepCopy()
		pool.StatusConditions().SetTrue(karpv1.ConditionTypeValidationSucceeded)
		pool.StatusConditions().SetTrue(karpv1.ConditionTypeNodeClassReady)
		builder = builder.WithObjects(pool)
	}
	for _, each := range c.DaemonSets {
		builder = builder.WithObjects(each.DeepCopy())
	}
	for _, each := range c.StorageClasses {
		builder = builder.WithObjects(each.DeepCopy())
	}
	for _, each := range c.Claims {
		builder = builder.WithObjects(each.DeepCopy())
	}
	for _, each := range c.Volumes {
		builder = builder.WithObjects(each.DeepCopy())
	}
	return builder.Build()
}

func infoByName(facts Facts) map[string]ec2types.InstanceTypeInfo {
	return lo.SliceToMap(facts.Types, func(info ec2types.InstanceTypeInfo) (string, ec2types.InstanceTypeInfo) {
		return string(info.InstanceType), info
	})
}
