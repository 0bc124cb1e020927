package validation

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"modelyard.dev/render/internal/protocol"
)

// decoding is one strict decoding of an object against definitions.
type decoding struct {
	kinds      *nativeKinds
	secret     bool // whose values no message shows
	problems   []protocol.Problem
	duplicates []protocol.Duplicate
}

func (n *nativeKinds) judge(schema *definition, object map[string]any) Verdict {
	run := &decoding{kinds: n, secret: object["kind"] == "Secret"}
	run.value(schema, object, nil)
	if len(run.problems) == 0 {
		run.metadata(object)
	}
	verdict := Verdict{
		Schema:     protocol.Schema{Status: protocol.Valid, Problems: run.problems},
		CEL:        protocol.CEL{Checked: true}, // Kubernetes' own kinds have no rules in CEL
		Duplicates: run.duplicates,
	}
	if len(run.problems) > 0 {
		verdict.Schema.Status = protocol.Invalid
	}
	return verdict
}

// metadata checks names, labels and annotations, which no definition says anything about.
func (d *decoding) metadata(object map[string]any) {
	metadata, _ := object["metadata"].(map[string]any)
	path := field.NewPath("metadata")
	found := names(kindOf(object), metadata, path)
	found = append(found, metavalidation.ValidateLabels(texts(metadata["labels"]), path.Child("labels"))...)
	found = append(found, apivalidation.ValidateAnnotations(texts(metadata["annotations"]), path.Child("annotations"))...)
	for _, each := range found {
		d.problems = append(d.problems, problemOf(each))
	}
}

// names checks the name by the rule of its kind. Names in RBAC and of certificates and addresses may hold more.
func names(kind groupVersionKind, metadata map[string]any, path *field.Path) field.ErrorList {
	name, _ := metadata["name"].(string)
	if name == "" || kind.Group == "rbac.authorization.k8s.io" || kind.Group == "certificates.k8s.io" || kind.Kind == "IPAddress" {
		return nil
	}
	check := apivalidation.NameIsDNSSubdomain
	if kind.Group == "" && (kind.Kind == "Namespace" || kind.Kind == "Service") {
		check = apivalidation.NameIsDNSLabel
	}
	var found field.ErrorList
	for _, reason := range check(name, false) {
		found = append(found, field.Invalid(path.Child("name"), name, reason))
	}
	return found
}

func texts(value any) map[string]string {
	mapping, _ := value.(map[string]any)
	all := make(map[string]string, len(mapping))
	for key, item := range mapping {
		all[key], _ = item.(string)
	}
	return all
}

func (d *decoding) report(path *field.Path, format string, arguments ...any) {
	place := ""
	if path != nil {
		place = path.String()
	}
	d.problems = append(d.problems, protocol.Problem{Path: place, Message: fmt.Sprintf(format, arguments...)})
}

// value checks one value. A null is as good as an absent field: that is how the server's decoder takes it.
func (d *decoding) value(schema *definition, value any, path *field.Path) {
	schema = d.kinds.referenced(schema)
	if value == nil {
		return
	}
	if schema.name == quantityDefinition {
		d.quantity(value, path)
		return
	}
	switch schema.Type {
	case "object":
		d.object(schema, value, path)
	case "array":
		d.array(schema, value, path)
	case "string":
		d.text(schema, value, path)
	case "integer":
		d.integer(schema, value, path)
	case "number":
		if !number(value) {
			d.report(path, "should be a number, not %s", typeOf(value))
		}
	case "boolean":
		if _, fits := value.(bool); !fits {
			d.report(path, "should be true or false, not %s", typeOf(value))
		}
	}
}

func (d *decoding) object(schema *definition, value any, path *field.Path) {
	mapping, fits := value.(map[string]any)
	if !fits {
		d.report(path, "should be a mapping, not %s", typeOf(value))
		return
	}
	for _, key := range sortedKeys(mapping) {
		at := child(path, key)
		switch {
		case schema.Properties[key] != nil:
			d.value(schema.Properties[key], mapping[key], at)
		case schema.AdditionalProperties != nil:
			d.value(schema.AdditionalProperties, mapping[key], keyed(path, key))
		case schema.Properties != nil:
			d.report(at, "unknown field%s", nearest(key, slices.Collect(maps.Keys(schema.Properties))))
		}
	}
	for _, key := range schema.Required {
		if mapping[key] == nil {
			d.report(child(path, key), "is required")
		}
	}
}

func (d *decoding) array(schema *definition, value any, path *field.Path) {
	list, fits := value.([]any)
	if !fits {
		d.report(path, "should be a list, not %s", typeOf(value))
		return
	}
	if schema.Items != nil {
		for index, item := range list {
			if item == nil && schema.ListType == "map" {
				d.report(path.Index(index), "should be a mapping, not null")
			}
			d.value(schema.Items, item, path.Index(index))
		}
	}
	switch schema.ListType {
	case "map":
		d.duplicates = append(d.duplicates, duplicates(list, schema.ListMapKeys, path)...)
	case "set":
		d.duplicates = append(d.duplicates, duplicates(list, nil, path)...)
	}
}

func (d *decoding) text(schema *definition, value any, path *field.Path) {
	text, fits := value.(string)
	if schema.Format == "int-or-string" {
		if _, whole := wholeNumber(value); !fits && !whole {
			d.report(path, "should be text or a whole number, not %s", typeOf(value))
		}
		return
	}
	if !fits {
		hint := ""
		if !d.secret {
			hint = quoting(value)
		}
		d.report(path, "should be text, not %s%s", typeOf(value), hint)
		return
	}
	// An empty text is an absent field to the server's decoder.
	if len(schema.Values) > 0 && text != "" && !slices.Contains(schema.Values, text) {
		told := ""
		if !d.secret {
			told = fmt.Sprintf(", not %q", text)
		}
		d.report(path, "should be one of %s%s", strings.Join(schema.Values, ", "), told)
	}
	switch schema.Format {
	case "byte":
		if _, err := base64.StdEncoding.DecodeString(text); err != nil {
			d.report(path, "should be base64: %v", err)
		}
	case "date-time":
		layout := time.RFC3339
		if strings.HasSuffix(schema.name, ".MicroTime") {
			layout = microTimeFormat
		}
		if _, err := time.Parse(layout, text); err != nil {
			d.report(path, "should be a time such as %s, not %q", layout, text)
		}
	}
}

func (d *decoding) integer(schema *definition, value any, path *field.Path) {
	whole, fits := wholeNumber(value)
	switch {
	case !fits:
		d.report(path, "should be a whole number, not %s", typeOf(value))
	case schema.Format == "int32" && (whole > math.MaxInt32 || whole < math.MinInt32):
		d.report(path, "%d does not fit into 32 bits", whole)
	}
}

func (d *decoding) quantity(value any, path *field.Path) {
	text, fits := value.(string)
	if !fits {
		if !number(value) {
			d.report(path, "should be a quantity such as 24Gi, not %s", typeOf(value))
			return
		}
		written, _ := json.Marshal(value)
		text = string(written)
	}
	if _, err := resource.ParseQuantity(text); err != nil {
		d.report(path, "should be a quantity such as 24Gi or 500m, not %q", text)
	}
}

// duplicates returns the items of a list whose keys are those of an item before; no keys means the item itself.
func duplicates(list []any, keys []string, path *field.Path) []protocol.Duplicate {
	var found []protocol.Duplicate
	var seen []string
	for index, item := range list {
		key, complete := itemKey(item, keys)
		if !complete {
			continue
		}
		if slices.Contains(seen, key) {
			found = append(found, protocol.Duplicate{Path: path.Index(index).String(), Key: key})
		}
		seen = append(seen, key)
	}
	return found
}

func itemKey(item any, keys []string) (key string, complete bool) {
	if keys == nil {
		return fmt.Sprint(item), true
	}
	mapping, fits := item.(map[string]any)
	if !fits {
		return "", false
	}
	parts := make([]string, 0, len(keys))
	for _, name := range keys {
		value, found := mapping[name]
		if !found && name == "protocol" {
			value, found = "TCP", true // the server's default
		}
		if !found {
			return "", false
		}
		parts = append(parts, fmt.Sprintf("%s=%v", name, value))
	}
	return strings.Join(parts, ","), true
}
