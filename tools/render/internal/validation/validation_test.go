package validation

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"modelyard.dev/render/internal/protocol"
)

const definitions = "testdata/definitions.json"

func validator(t testing.TB, header protocol.Header) *Validator {
	t.Helper()
	made, err := New(&header)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func object(t testing.TB, text string) map[string]any {
	t.Helper()
	written, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var decoded any
	if err := json.Unmarshal(written, &decoded); err != nil {
		t.Fatal(err)
	}
	return whole(decoded).(map[string]any)
}

// whole gives numbers the types that rendering gives them.
func whole(value any) any {
	switch typed := value.(type) {
	case float64:
		if typed == float64(int64(typed)) {
			return int64(typed)
		}
	case []any:
		for index := range typed {
			typed[index] = whole(typed[index])
		}
	case map[string]any:
		for key := range typed {
			typed[key] = whole(typed[key])
		}
	}
	return value
}

func told(verdict Verdict) string {
	var lines []string
	for _, each := range verdict.Schema.Problems {
		lines = append(lines, each.Path+": "+each.Message)
	}
	for _, each := range verdict.CEL.Problems {
		lines = append(lines, "cel "+each.Path+": "+each.Message+" ["+each.Rule+"]")
	}
	for _, each := range verdict.Duplicates {
		lines = append(lines, "duplicate "+each.Path+": "+each.Key)
	}
	return strings.Join(lines, "\n")
}

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: a, labels: {a: b}}
spec:
  replicas: 1
  selector: {matchLabels: {a: b}}
  template:
    metadata: {labels: {a: b}}
    spec:
      containers:
        - name: one
          image: x
          env: [{name: A, value: "1"}]
          ports: [{containerPort: 80}, {containerPort: 80, protocol: UDP}]
          resources: {limits: {cpu: 1, memory: 1Gi}}
          readinessProbe: {httpGet: {port: http}}
`

func TestNativeKindsAreDecodedStrictly(t *testing.T) {
	judge := validator(t, protocol.Header{Definitions: definitions})
	for name, test := range map[string]struct{ from, to, says string }{
		"legal":                              {"", "", ""},
		"null is absent":                     {"replicas: 1", "replicas: null", ""},
		"port as text or number":             {"port: http", "port: 80", ""},
		"fraction as quantity":               {"cpu: 1,", "cpu: 0.5,", ""},
		"unknown field":                      {"replicas: 1", "replica: 1", "spec.replica: unknown field, did you mean replicas"},
		"wrong case":                         {"containerPort: 80}", "containerport: 80}", "spec.template.spec.containers[0].ports[0].containerport: unknown field, did you mean containerPort"},
		"number as text":                     {`value: "1"`, "value: 1", "spec.template.spec.containers[0].env[0].value: should be text, not a number (put quotes around 1)"},
		"text as number":                     {"replicas: 1", `replicas: "1"`, "spec.replicas: should be a whole number, not text"},
		"too large":                          {"replicas: 1", "replicas: 3000000000", "spec.replicas: 3000000000 does not fit into 32 bits"},
		"quantity":                           {"memory: 1Gi", "memory: 1GiB", `spec.template.spec.containers[0].resources.limits.memory: should be a quantity such as 24Gi or 500m, not "1GiB"`},
		"missing":                            {"selector: {matchLabels: {a: b}}", "minReadySeconds: 1", "spec.selector: is required"},
		"mapping for a list":                 {`env: [{name: A, value: "1"}]`, "env: {A: x}", "spec.template.spec.containers[0].env: should be a list, not a mapping"},
		"label":                              {"labels: {a: b}}\nspec", "labels: {a: b c}}\nspec", `metadata.labels: invalid value: "b c"`},
		"duplicate env":                      {`env: [{name: A, value: "1"}]`, `env: [{name: A}, {name: B}, {name: A}]`, "duplicate spec.template.spec.containers[0].env[2]: name=A"},
		"duplicate port by default protocol": {"protocol: UDP", "protocol: TCP", "duplicate spec.template.spec.containers[0].ports[1]: containerPort=80,protocol=TCP"},
	} {
		t.Run(name, func(t *testing.T) {
			if test.from != "" && !strings.Contains(deployment, test.from) {
				t.Fatalf("%q is not in the deployment", test.from)
			}
			verdict := judge.Judge(object(t, strings.Replace(deployment, test.from, test.to, 1)))
			if said := told(verdict); !strings.HasPrefix(said, test.says) || test.says == "" && said != "" {
				t.Errorf("said %q, not %q", said, test.says)
			}
		})
	}
}

func TestValuesOfASecretAreNotShown(t *testing.T) {
	judge := validator(t, protocol.Header{Definitions: definitions})
	text := "{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {password: 12345}, data: {token: 'hunter2!'}}"
	said := told(judge.Judge(object(t, text)))
	if strings.Contains(said, "12345") || strings.Contains(said, "hunter2") || strings.Count(said, "\n") != 1 {
		t.Error(said)
	}
}

func TestKindsThatAnAPIServerDoesNotHave(t *testing.T) {
	judge := validator(t, protocol.Header{Definitions: definitions, CRDFolders: []string{"testdata/crds"}})
	for text, says := range map[string]string{
		"{apiVersion: apps/v1beta1, kind: Deployment, metadata: {name: a}}":       "apiVersion: Deployment is served as apps/v1, not as apps/v1beta1",
		"{apiVersion: apps/v1, kind: Deploymnet, metadata: {name: a}}":            "kind: Kubernetes has no Deploymnet in apps/v1, did you mean Deployment",
		"{apiVersion: x.example.com/v2, kind: Widget, metadata: {name: a}}":       "apiVersion: Widget is served as x.example.com/v1, not as x.example.com/v2",
		"{apiVersion: x.example.com/v1alpha1, kind: Widget, metadata: {name: a}}": "apiVersion: x.example.com/v1alpha1 is no longer served for Widget",
		"{kind: Widget, metadata: {name: a}}":                                     ": the resource should have apiVersion and kind, both as text",
		"{apiVersion: ../../etc/v1, kind: Widget, metadata: {name: a}}":           "",
		"{apiVersion: unknown.example.com/v1, kind: Widget, metadata: {name: a}}": "",
	} {
		verdict := judge.Judge(object(t, text))
		if said := told(verdict); said != says {
			t.Errorf("%s: said %q, not %q", text, said, says)
		}
		if (verdict.Schema.Status == protocol.NoSchema) != (says == "") || verdict.CEL.Checked {
			t.Errorf("%s: %+v", text, verdict)
		}
	}
}

const widget = `
apiVersion: x.example.com/v1
kind: Widget
metadata: {name: a, namespace: ignored}
spec: {size: 3, parts: [{name: a}, {name: b}], weight: 20Gi}
`

func TestCustomKindsAreJudgedByTheServersOwnCode(t *testing.T) {
	judge := validator(t, protocol.Header{CRDFolders: []string{"testdata/crds"}})
	for name, test := range map[string]struct{ from, to, says string }{
		"legal, the default fills what a rule needs": {"", "", ""},
		"unknown field":      {"size: 3", "size: 3, sizes: 3", "spec.sizes: unknown field"},
		"unknown metadata":   {"name: a, namespace", "nmae: a, name: a, namespace", "metadata.nmae: unknown field"},
		"type":               {"size: 3", "size: three", `spec.size: invalid value: "string": spec.size in body must be of type integer: "string"`},
		"maximum":            {"size: 3", "size: 300", "spec.size: invalid value: 300: spec.size in body should be less than or equal to 100"},
		"name":               {"name: a, namespace", "name: A_b, namespace", `metadata.name: invalid value: "A_b"`},
		"rule":               {"size: 3", "size: 7", "cel spec: size and limit disagree [self.size <= self.limit]"},
		"rule with quantity": {"20Gi", "2Gi", "cel spec: too light [quantity(self.weight).isGreaterThan(quantity('10Gi'))]"},
		"duplicate":          {"{name: b}", "{name: a}", `duplicate spec.parts[1]: {"name":"a"}`},
	} {
		t.Run(name, func(t *testing.T) {
			given := object(t, strings.Replace(widget, test.from, test.to, 1))
			before, _ := json.Marshal(given)
			verdict := judge.Judge(given)
			if said := told(verdict); !strings.HasPrefix(said, test.says) || test.says == "" && said != "" {
				t.Errorf("said %q, not %q", said, test.says)
			}
			if after, _ := json.Marshal(given); string(before) != string(after) {
				t.Errorf("the resource was changed: %s", after)
			}
			if verdict.CEL.Checked == (name == "type") {
				t.Errorf("rules checked: %+v", verdict.CEL)
			}
		})
	}
}

func TestAUsersOwnDefinitionReplacesAShippedOne(t *testing.T) {
	folder := t.TempDir()
	shipped, err := os.ReadFile("testdata/crds/x.example.com/widgets.json")
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(shipped), `"maximum": 100`, `"maximum": 2`, 1)
	if err := os.MkdirAll(filepath.Join(folder, "deep"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "deep", "widgets.yaml"), []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
	judge := validator(t, protocol.Header{CRDFolders: []string{"testdata/crds"}, CRDs: []string{folder}})
	if said := told(judge.Judge(object(t, widget))); !strings.Contains(said, "less than or equal to 2") {
		t.Error(said)
	}
}

func TestADefinitionThatCannotBeUsedIsNeverAPass(t *testing.T) {
	folder := t.TempDir()
	broken := "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, spec: {group: x.example.com, names: {kind: Widget}, versions: [{name: v1, served: true}]}}"
	if err := os.WriteFile(filepath.Join(folder, "a.yaml"), []byte(broken), 0o644); err != nil {
		t.Fatal(err)
	}
	verdict := validator(t, protocol.Header{CRDs: []string{folder}}).Judge(object(t, widget))
	if verdict.Schema.Status != protocol.NoSchema || verdict.CEL.Checked || told(verdict) != ": the definition of Widget has no schema" {
		t.Errorf("%+v", verdict)
	}
}

func TestExtraSchemasAreConfinedToTheirFolder(t *testing.T) {
	judge := validator(t, protocol.Header{SchemaFolders: []string{absolute(t, "testdata/schemas")}})
	gadget := "{apiVersion: y.example.com/v1, kind: Gadget, metadata: {name: a}, spec: {size: 1}}"
	if said := told(judge.Judge(object(t, gadget))); said != "" {
		t.Error(said)
	}
	wrong := strings.Replace(gadget, "size: 1", "size: x, more: [1]", 1)
	if said := told(judge.Judge(object(t, wrong))); !strings.Contains(said, "spec.more: unknown field") || !strings.Contains(said, "spec.size: got string, want integer") {
		t.Error(said)
	}
	for _, kind := range []string{"Remote", "Outside"} {
		verdict := judge.Judge(object(t, strings.Replace(gadget, "Gadget", kind, 1)))
		if verdict.Schema.Status != protocol.NoSchema || !strings.Contains(told(verdict), "lies outside the folder of schemas") {
			t.Errorf("%s: %+v", kind, verdict)
		}
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	whole, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return whole
}

func FuzzJudge(f *testing.F) {
	judge := validator(f, protocol.Header{
		Definitions: definitions, CRDFolders: []string{"testdata/crds"}, SchemaFolders: []string{},
	})
	f.Add(deployment)
	f.Add(widget)
	f.Add("{apiVersion: v1, kind: ConfigMap, metadata: [], data: {a: 1}}")
	f.Fuzz(func(t *testing.T, text string) {
		written, err := yaml.YAMLToJSON([]byte(text))
		if err != nil {
			t.Skip()
		}
		var decoded any
		if json.Unmarshal(written, &decoded) != nil {
			t.Skip()
		}
		given, fits := whole(decoded).(map[string]any)
		if !fits {
			t.Skip()
		}
		verdict := judge.Judge(given)
		if verdict.Schema.Status == protocol.Valid && len(verdict.Schema.Problems) > 0 {
			t.Errorf("valid with problems: %+v", verdict)
		}
	})
}
