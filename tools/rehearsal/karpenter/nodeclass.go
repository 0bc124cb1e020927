package main

import (
	"context"
	"os"

	"github.com/awslabs/operatorpkg/status"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/karpenter/kwok/apis/v1alpha1"
	kwok "sigs.k8s.io/karpenter/kwok/cloudprovider"
)

// NodeClass is the node class that NodePools of an EKS cluster name: EC2NodeClass, or the NodeClass of EKS Auto Mode. Of
// it, only whether it is ready is looked at.
type NodeClass struct {
	v1alpha1.KWOKNodeClass
}

// NodeClassList is what a list of them is decoded into.
type NodeClassList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []NodeClass `json:"items"`
}

// DeepCopyObject returns a copy that shares nothing.
func (in *NodeClass) DeepCopyObject() runtime.Object {
	return &NodeClass{KWOKNodeClass: *in.KWOKNodeClass.DeepCopy()}
}

// DeepCopyObject returns a copy that shares nothing.
func (in *NodeClassList) DeepCopyObject() runtime.Object {
	out := &NodeClassList{TypeMeta: in.TypeMeta}
	in.ListMeta.DeepCopyInto(&out.ListMeta)
	for i := range in.Items {
		out.Items = append(out.Items, *in.Items[i].DeepCopyObject().(*NodeClass))
	}
	return out
}

func init() {
	kind := schema.GroupVersionKind{Group: "karpenter.k8s.aws", Version: "v1", Kind: "EC2NodeClass"}
	if os.Getenv("AUTO_MODE") == "true" {
		kind = schema.GroupVersionKind{Group: "eks.amazonaws.com", Version: "v1", Kind: "NodeClass"}
	}
	metav1.AddToGroupVersion(scheme.Scheme, kind.GroupVersion())
	scheme.Scheme.AddKnownTypeWithName(kind, &NodeClass{})
	scheme.Scheme.AddKnownTypeWithName(kind.GroupVersion().WithKind(kind.Kind+"List"), &NodeClassList{})
}

// provider is KWOK's, for NodePools that name such a node class.
type provider struct {
	*kwok.CloudProvider
}

// GetSupportedNodeClasses says which node classes this provider makes nodes of.
func (provider) GetSupportedNodeClasses() []status.Object {
	return []status.Object{&NodeClass{}}
}

// nodeClasses answers KWOK's question for its own node class with the one of that name.
type nodeClasses struct {
	client.Client
}

// Get reads one object.
func (c nodeClasses) Get(ctx context.Context, key client.ObjectKey, into client.Object, options ...client.GetOption) error {
	asked, ok := into.(*v1alpha1.KWOKNodeClass)
	if !ok {
		return c.Client.Get(ctx, key, into, options...)
	}
	var found NodeClass
	if err := c.Client.Get(ctx, key, &found, options...); err != nil {
		return err
	}
	*asked = found.KWOKNodeClass
	return nil
}
