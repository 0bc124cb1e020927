package main

import (
	"context"
	"errors"
	"sort"

	awsapis "github.com/aws/karpenter-provider-aws/pkg/apis/v1"
	"github.com/aws/karpenter-provider-aws/pkg/providers/instancetype"
	"github.com/aws/karpenter-provider-aws/pkg/providers/instancetype/compatibility"
	"github.com/awslabs/operatorpkg/status"
	"github.com/samber/lo"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	karpv1 "sigs.k8s.io/karpenter/pkg/apis/v1"
	"sigs.k8s.io/karpenter/pkg/cloudprovider"
	"sigs.k8s.io/karpenter/pkg/scheduling"
)

var errNoCloud = errors.New("there is no cloud here")

// cloud is a cloud provider that has instance types and starts nothing.
type cloud struct {
	types map[string][]*cloudprovider.InstanceType // by pool
}

func (c Case) provider(ctx context.Context, facts Facts) *cloud {
	infos := infoByName(facts)
	classes := map[string]*awsapis.EC2NodeClass{}
	for _, class := range c.NodeClasses {
		class.Status.Subnets = lo.Map(c.Zones, func(zone Zone, _ int) awsapis.Subnet {
			return awsapis.Subnet{ID: "subnet-" + zone.Name, Zone: zone.Name, ZoneID: zone.ID}
		})
		classes[class.Name] = class
	}
	resolver := instancetype.NewDefaultResolver(facts.Region)
	made := &cloud{types: map[string][]*cloudprovider.InstanceType{}}
	names := lo.Keys(c.Offers)
	sort.Strings(names)
	for _, pool := range c.Pools {
		class := classes[pool.Spec.Template.Spec.NodeClassRef.Name]
		if class == nil {
			continue
		}
		for _, name := range names {
			info, known := infos[name]
			if !known {
				continue
			}
			offer := c.Offers[name]
			it := resolver.Resolve(ctx, info, offer.Zones, class)
			compatible := compatibility.IsCompatibleWithNodeClass(info, class, nil)
			it.Offerings = c.offerings(it, offer, compatible)
			made.types[pool.Name] = append(made.types[pool.Name], it)
		}
	}
	return made
}

// offerings follows the BaseResolver of the provider's offering package, which is bound to price and zone services.
func (c Case) offerings(it *cloudprovider.InstanceType, offer Offer, compatible bool) cloudprovider.Offerings {
	var found cloudprovider.Offerings
	for _, zone := range c.Zones {
		for _, kind := range it.Requirements.Get(karpv1.CapacityTypeLabelKey).Values() {
			price := offer.OnDemand
			if kind == karpv1.CapacityTypeSpot {
				price = offer.Spot
			}
			found = append(found, &cloudprovider.Offering{
				Requirements: scheduling.NewRequirements(
					scheduling.NewRequirement(karpv1.CapacityTypeLabelKey, corev1.NodeSelectorOpIn, kind),
					scheduling.NewRequirement(corev1.LabelTopologyZone, corev1.NodeSelectorOpIn, zone.Name),
					scheduling.NewRequirement(awsapis.LabelTopologyZoneID, corev1.NodeSelectorOpIn, zone.ID),
					scheduling.NewRequirement(awsapis.LabelCapacityReservationID, corev1.NodeSelectorOpDoesNotExist),
					scheduling.NewRequirement(awsapis.LabelCapacityReservationType, corev1.NodeSelectorOpDoesNotExist),
					scheduling.NewRequirement(awsapis.LabelCapacityReservationInterruptible, corev1.NodeSelectorOpDoesNotExist),
				),
				Price:     lo.FromPtr(price),
				Available: compatible && price != nil && it.Requirements.Get(corev1.LabelTopologyZone).Has(zone.Name),
			})
		}
	}
	return found
}

func (c *cloud) describe() map[string]map[string]Description {
	found := map[string]map[string]Description{}
	for pool, its := range c.types {
		found[pool] = map[string]Description{}
		for _, it := range its {
			one := Description{
				Capacity: quantities(it.Capacity), Allocatable: quantities(it.Allocatable()),
				Requirements: map[string][]string{}, Available: len(it.Offerings.Available()) > 0,
			}
			for key, requirement := range it.Requirements {
				values := requirement.Values()
				sort.Strings(values)
				one.Requirements[key] = values
			}
			found[pool][it.Name] = one
		}
	}
	return found
}

func quantities(list corev1.ResourceList) map[string]string {
	return lo.MapEntries(list, func(name corev1.ResourceName, amount resource.Quantity) (string, string) {
		return string(name), amount.AsDec().String()
	})
}

func (c *cloud) GetInstanceTypes(_ context.Context, pool *karpv1.NodePool) ([]*cloudprovider.InstanceType, error) {
	return c.types[pool.Name], nil
}

func (c *cloud) GetSupportedNodeClasses() []status.Object {
	return []status.Object{&awsapis.EC2NodeClass{}}
}

func (c *cloud) Create(context.Context, *karpv1.NodeClaim) (*karpv1.NodeClaim, error) {
	return nil, errNoCloud
}
func (c *cloud) Delete(context.Context, *karpv1.NodeClaim) error { return errNoCloud }
func (c *cloud) Get(context.Context, string) (*karpv1.NodeClaim, error) {
	return nil, errNoCloud
}
func (c *cloud) List(context.Context) ([]*karpv1.NodeClaim, error) { return nil, errNoCloud }
func (c *cloud) IsDrifted(context.Context, *karpv1.NodeClaim) (cloudprovider.DriftReason, error) {
	return "", errNoCloud
}
func (c *cloud) RepairPolicies() []cloudprovider.RepairPolicy { return nil }
func (c *cloud) Name() string                                 { return "aws" }
