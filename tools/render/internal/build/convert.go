package build

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
)

// maxNesting bounds the depth of a resource; the API server refuses deeper ones too.
const maxNesting = 1_000

// plain returns the values that `kustomize build` prints for a node: maps, lists, strings, booleans, nil, int64,
// float64, and uint64 for whole numbers beyond int64. It gives what encoding the node as YAML and reading it back gives, without doing so.
func plain(node *yaml.Node) (any, error) { return converted(node, 0) }

func converted(node *yaml.Node, depth int) (any, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("its values are nested more than %d deep", maxNesting)
	}
	switch node.Kind {
	case yaml.DocumentNode:
		return converted(node.Content[0], depth)
	case yaml.AliasNode:
		return converted(node.Alias, depth+1)
	case yaml.SequenceNode:
		list := make([]any, 0, len(node.Content))
		for _, item := range node.Content {
			value, err := converted(item, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		return list, nil
	case yaml.MappingNode:
		return mapping(node, depth)
	case yaml.ScalarNode:
		return scalar(node)
	}
	return nil, fmt.Errorf("it holds a YAML node of the unknown kind %d", node.Kind)
}

func mapping(node *yaml.Node, depth int) (any, error) {
	values := make(map[string]any, len(node.Content)/2)
	for index := 0; index+1 < len(node.Content); index += 2 {
		key := node.Content[index]
		if key.Kind != yaml.ScalarNode || key.ShortTag() != "!!str" {
			return decoded(node) // merge keys and keys that are not text: rare, so the parser may do it
		}
		if _, twice := values[key.Value]; twice {
			return nil, fmt.Errorf("the key %q is there twice", key.Value)
		}
		value, err := converted(node.Content[index+1], depth+1)
		if err != nil {
			return nil, err
		}
		values[key.Value] = value
	}
	return values, nil
}

func scalar(node *yaml.Node) (any, error) {
	switch node.ShortTag() {
	case "!!str":
		return node.Value, nil
	case "!!null":
		return nil, nil
	case "!!int":
		if number, err := strconv.ParseInt(node.Value, 10, 64); err == nil && strconv.FormatInt(number, 10) == node.Value {
			return number, nil
		}
	case "!!bool":
		if node.Value == "true" || node.Value == "false" {
			return node.Value == "true", nil
		}
	}
	return decoded(node)
}

func decoded(node *yaml.Node) (any, error) {
	var value any
	if err := node.Decode(&value); err != nil {
		return nil, err
	}
	return normal(value)
}

// normal gives decoded values the types that decoding JSON gives.
func normal(value any) (any, error) {
	switch typed := value.(type) {
	case int:
		return int64(typed), nil
	case float64:
		if math.IsInf(typed, 0) || math.IsNaN(typed) {
			return nil, fmt.Errorf("%v cannot be written as JSON", typed)
		}
		return typed, nil
	case time.Time:
		text, err := json.Marshal(typed)
		if err != nil {
			return nil, err
		}
		return strconv.Unquote(string(text))
	case []any:
		for index, item := range typed {
			changed, err := normal(item)
			if err != nil {
				return nil, err
			}
			typed[index] = changed
		}
	case map[string]any:
		for key, item := range typed {
			changed, err := normal(item)
			if err != nil {
				return nil, err
			}
			typed[key] = changed
		}
	case map[any]any:
		return nil, fmt.Errorf("a mapping has a key that is not text")
	}
	return value, nil
}
