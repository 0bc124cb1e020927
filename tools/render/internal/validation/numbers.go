package validation

// holdsHuge tells whether a value holds a whole number beyond int64, which is rare.
func holdsHuge(value any) bool {
	switch typed := value.(type) {
	case uint64:
		return true
	case []any:
		for _, item := range typed {
			if holdsHuge(item) {
				return true
			}
		}
	case map[string]any:
		for _, item := range typed {
			if holdsHuge(item) {
				return true
			}
		}
	}
	return false
}

// withoutHuge returns a copy in which such numbers are floating-point numbers, as the API server reads them.
func withoutHuge(value any) any {
	switch typed := value.(type) {
	case uint64:
		return float64(typed)
	case []any:
		copied := make([]any, len(typed))
		for index, item := range typed {
			copied[index] = withoutHuge(item)
		}
		return copied
	case map[string]any:
		copied := make(map[string]any, len(typed))
		for key, item := range typed {
			copied[key] = withoutHuge(item)
		}
		return copied
	}
	return value
}
