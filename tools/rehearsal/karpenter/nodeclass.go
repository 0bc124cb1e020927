package main

import (
	"context"

	"github.com/awslabs/operatorpkg/status"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/karpenter/kwok/apis/v1alpha1"
	kwok "sigs.k8s.io/karpenter/kwok/cloudprovider"
)

// EC2NodeClass is the node class that NodePools of an EKS cluster name. Of it, only whether it is ready is looked at.
type EC2NodeClass struct {
	v1alpha1.KWOKNodeClass
}

// EC2NodeClassList is what a list of them is decoded into.
type EC2NodeClassList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []EC2NodeClass `json:"items"`
}

// DeepCopyObject returns a copy that shares nothing.
func (in *EC2NodeClass) DeepCopyObject() runtime.Object {
	return &EC2NodeClass{KWOKNodeClass: *in.KWOKNodeClass.DeepCopy()}
}

// DeepCopyObject returns a copy that shares nothing.
func (in *EC2NodeClassList) DeepCopyObject() runtime.Object {
	out := &EC2NodeClassList{TypeMeta: in.TypeMeta}
	in.ListMeta.DeepCopyInto(&out.ListMeta)
	for i := range in.Items {
		out.Items = append(out.Items, *in.Items[i].DeepCopyObject().(*EC2NodeClass))
	}
	return out
}

func init() {
	version := schema.GroupVersion{Group: "karpenter.k8s.aws", Version: "v1"}
	metav1.AddToGroupVersion(scheme.Scheme, version)
	scheme.Scheme.AddKnownTypes(version, &EC2NodeClass{}, &EC2NodeClassList{})
}

// provider is KWOK's, for NodePools that name an EC2NodeClass.
type provider struct {
	*kwok.CloudProvider
}

// GetSupportedNodeClasses says which node classes this provider makes nodes of.
func (provider) GetSupportedNodeClasses() []status.Object {
	return []status.Object{&EC2NodeClass{}}
}

// ec2NodeClasses answers KWOK's question for its own node class with the EC2NodeClass of that name.
type ec2NodeClasses struct {
	client.Client
}

// Get reads one object.
func (c ec2NodeClasses) Get(ctx context.Context, key client.ObjectKey, into client.Object, options ...client.GetOption) error {
	asked, ok := into.(*v1alpha1.KWOKNodeClass)
	if !ok {
		return c.Client.Get(ctx, key, into, options...)
	}
	var found EC2NodeClass
	if err := c.Client.Get(ctx, key, &found, options...); err != nil {
		return err
	}
	*asked = found.KWOKNodeClass
	return nil
}
