package validation

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	schemacel "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	schemavalidation "k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"

	"modelyard.dev/render/internal/protocol"
)

// customKind is one version of a CustomResourceDefinition, compiled when its first resource is judged.
type customKind struct {
	kind       groupVersionKind
	definition *apiextensionsv1.CustomResourceDefinition
	version    *apiextensionsv1.CustomResourceDefinitionVersion
	once       sync.Once
	err        error
	structural *structuralschema.Structural
	schema     schemavalidation.SchemaValidator
	rules      *schemacel.Validator
}

func (c *customKind) compile() error {
	if c.version.Schema == nil || c.version.Schema.OpenAPIV3Schema == nil {
		return fmt.Errorf("the definition of %s has no schema", c.kind.Kind)
	}
	internal := &apiextensions.JSONSchemaProps{}
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(
		c.version.Schema.OpenAPIV3Schema, internal, nil); err != nil {
		return fmt.Errorf("the definition of %s cannot be read: %w", c.kind.Kind, err)
	}
	structural, err := structuralschema.NewStructural(internal)
	if err != nil {
		return fmt.Errorf("the schema of %s is not structural: %w", c.kind.Kind, err)
	}
	c.structural = structural
	if c.schema, _, err = schemavalidation.NewSchemaValidator(internal); err != nil {
		return fmt.Errorf("the schema of %s cannot be used: %w", c.kind.Kind, err)
	}
	c.rules = schemacel.NewValidator(structural, true, celconfig.PerCallLimit)
	return nil
}

func (c *customKind) judge(object map[string]any) Verdict {
	c.once.Do(func() { c.err = c.compile() })
	if c.err != nil {
		return Verdict{
			Schema: protocol.Schema{Status: protocol.NoSchema, Problems: []protocol.Problem{{Message: c.err.Error()}}},
			CEL:    protocol.CEL{Reason: "the definition of its kind cannot be used"},
		}
	}
	if !c.version.Served {
		return refused(protocol.Problem{
			Path: "apiVersion", Message: fmt.Sprintf("%s is no longer served for %s", c.kind.apiVersion(), c.kind.Kind),
		})
	}
	copied := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(object)}
	problems := c.decode(copied)
	if copied.Object == nil {
		return refused(problems...)
	}
	defaulting.Default(copied.Object, c.structural)
	found := c.validate(copied)
	for _, each := range found {
		problems = append(problems, problemOf(each))
	}
	verdict := Verdict{Schema: protocol.Schema{Status: protocol.Valid, Problems: problems}}
	if len(problems) > 0 {
		verdict.Schema.Status = protocol.Invalid
	}
	for _, each := range listtype.ValidateListSetsAndMaps(nil, c.structural, copied.Object) {
		verdict.Duplicates = append(verdict.Duplicates, protocol.Duplicate{Path: each.Field, Key: keyOf(each.BadValue)})
	}
	verdict.CEL = c.evaluate(copied.Object, blocking(found))
	return verdict
}

// decode does what the server does to a request's body: metadata and unknown fields. An object that cannot be decoded
// at all becomes nil.
func (c *customKind) decode(object *unstructured.Unstructured) []protocol.Problem {
	kind, apiVersion := object.GetKind(), object.GetAPIVersion()
	metadata, found, unknown, err := objectmeta.GetObjectMetaWithOptions(
		object.Object, objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
	if err != nil {
		object.Object = nil
		return []protocol.Problem{{Path: "metadata", Message: lowered(err.Error())}}
	}
	unknown = append(unknown, pruning.PruneWithOptions(
		object.Object, c.structural, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})...)
	// A null stays: the server drops it where an object is created, but Argo CD applies on the server's side, and what
	// is applied is held against the schema as it is.
	invalid, more := objectmeta.CoerceWithOptions(
		nil, object.Object, c.structural, false, objectmeta.CoerceOptions{ReturnUnknownFieldPaths: true})
	unknown = append(unknown, more...)
	var problems []protocol.Problem
	for _, path := range unknown {
		problems = append(problems, protocol.Problem{Path: path, Message: "unknown field"})
	}
	if invalid != nil {
		object.Object = nil
		return append(problems, problemOf(invalid))
	}
	object.SetKind(kind)
	object.SetAPIVersion(apiVersion)
	if found {
		if c.namespaced() && metadata.Namespace == "" {
			metadata.Namespace = "default" // the applier sets the namespace
		}
		if !c.namespaced() {
			metadata.Namespace = "" // as the server does
		}
		if err := objectmeta.SetObjectMeta(object.Object, metadata); err != nil {
			problems = append(problems, protocol.Problem{Path: "metadata", Message: lowered(err.Error())})
		}
	}
	return problems
}

func (c *customKind) namespaced() bool {
	return c.definition.Spec.Scope != apiextensionsv1.ClusterScoped
}

func (c *customKind) validate(object *unstructured.Unstructured) field.ErrorList {
	found := apivalidation.ValidateObjectMetaAccessor(
		object, c.namespaced(), apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	found = append(found, schemavalidation.ValidateCustomResource(nil, object.Object, c.schema)...)
	return append(found, objectmeta.Validate(nil, object.Object, c.structural, false)...)
}

// evaluate runs the rules in CEL, as the server does: not over an object whose shape may break them.
func (c *customKind) evaluate(object map[string]any, blocked bool) (result protocol.CEL) {
	if c.rules == nil {
		return protocol.CEL{Checked: true}
	}
	if blocked {
		return protocol.CEL{Reason: "its structure is not legal"}
	}
	defer func() {
		if cause := recover(); cause != nil {
			result = protocol.CEL{Reason: fmt.Sprintf("evaluating the rules failed: %v", cause)}
		}
	}()
	found, left := c.rules.Validate(context.Background(), nil, c.structural, object, nil, celconfig.RuntimeCELCostBudget)
	result.Checked = true
	if left < 0 {
		result = protocol.CEL{Reason: "evaluating the rules costs more than an API server allows"}
	}
	for _, each := range found {
		problem := problemOf(each)
		result.Problems = append(result.Problems, protocol.CELProblem{
			Path: problem.Path, Message: each.Detail, Rule: ruleOf(c.structural, each),
		})
	}
	return result
}

// blocking follows the server: only wrong types and sizes and missing values keep it from evaluating rules.
func blocking(found field.ErrorList) bool {
	for _, each := range found {
		switch each.Type {
		case field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong, field.ErrorTypeTooMany,
			field.ErrorTypeTypeInvalid:
			return true
		}
	}
	return false
}

// ruleOf returns the expression that a message belongs to. The server's errors carry the message alone.
func ruleOf(schema *structuralschema.Structural, err *field.Error) string {
	for _, part := range strings.FieldsFunc(err.Field, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		if rule := matching(schema, err.Detail); rule != "" {
			return rule
		}
		next := step(schema, part)
		if next == nil {
			break
		}
		schema = next
	}
	return matching(schema, err.Detail)
}

func step(schema *structuralschema.Structural, part string) *structuralschema.Structural {
	if property, found := schema.Properties[part]; found {
		return &property
	}
	if schema.Items != nil {
		return schema.Items
	}
	if schema.AdditionalProperties != nil {
		return schema.AdditionalProperties.Structural
	}
	return nil
}

func matching(schema *structuralschema.Structural, detail string) string {
	for _, rule := range schema.XValidations {
		if rule.Message != "" && strings.Contains(detail, rule.Message) || strings.Contains(detail, strings.TrimSpace(rule.Rule)) {
			return rule.Rule
		}
	}
	return ""
}

func keyOf(value any) string {
	if text, isText := value.(string); isText {
		return text
	}
	written, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(written)
}
