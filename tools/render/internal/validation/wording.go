package validation

import (
	"fmt"
	"math"
	"regexp"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"modelyard.dev/render/internal/protocol"
)

var plainName = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$-]*$`)

func child(path *field.Path, name string) *field.Path {
	if path == nil {
		return field.NewPath(name)
	}
	if !plainName.MatchString(name) {
		return path.Key(name)
	}
	return path.Child(name)
}

func keyed(path *field.Path, name string) *field.Path {
	if path == nil {
		return field.NewPath(name)
	}
	if plainName.MatchString(name) {
		return path.Child(name)
	}
	return path.Key(name)
}

func sortedKeys(mapping map[string]any) []string {
	keys := make([]string, 0, len(mapping))
	for key := range mapping {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

func typeOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case string:
		return "text"
	case bool:
		return "a boolean"
	case int64, float64:
		return "a number"
	case []any:
		return "a list"
	case map[string]any:
		return "a mapping"
	}
	return fmt.Sprintf("%T", value)
}

func quoting(value any) string {
	switch value.(type) {
	case bool, int64, float64:
		return fmt.Sprintf(" (put quotes around %v)", value)
	}
	return ""
}

func number(value any) bool {
	switch value.(type) {
	case int64, float64:
		return true
	}
	return false
}

// wholeNumber takes 1.0 for 1: both are written as 1 in JSON.
func wholeNumber(value any) (int64, bool) {
	switch typed := value.(type) {
	case int64:
		return typed, true
	case float64:
		if typed == math.Trunc(typed) && math.Abs(typed) < 1<<53 {
			return int64(typed), true
		}
	}
	return 0, false
}

// nearest names what was probably meant: the same letters in another case, or one slip away; empty when nothing is.
func nearest(written string, known []string) string {
	sort.Strings(known)
	for _, name := range known {
		if strings.EqualFold(name, written) {
			return ", did you mean " + name
		}
	}
	for _, name := range known {
		if len(written) > 3 && oneSlipApart(name, written) {
			return ", did you mean " + name
		}
	}
	return ""
}

// oneSlipApart tells whether one inserted, lost, changed or swapped letter makes a word of the other.
func oneSlipApart(one, other string) bool {
	if len(one) > len(other) {
		one, other = other, one
	}
	if len(other)-len(one) > 1 {
		return false
	}
	start := 0
	for start < len(one) && one[start] == other[start] {
		start++
	}
	end := 0
	for end < len(one)-start && one[len(one)-1-end] == other[len(other)-1-end] {
		end++
	}
	left, right := one[start:len(one)-end], other[start:len(other)-end]
	return len(left)+len(right) <= 2 || len(left) == 2 && len(right) == 2 && left[0] == right[1] && left[1] == right[0]
}

// problemOf turns the server's error into a problem; the path stands apart from the message.
func problemOf(err *field.Error) protocol.Problem {
	path := err.Field
	if path == "<nil>" {
		path = ""
	}
	message := err.ErrorBody()
	if err.Type == field.ErrorTypeRequired && err.Detail == "" {
		message = "is required"
	}
	return protocol.Problem{Path: path, Message: lowered(message)}
}

func lowered(message string) string {
	if message == "" {
		return message
	}
	return strings.ToLower(message[:1]) + strings.TrimRight(message[1:], ".")
}
