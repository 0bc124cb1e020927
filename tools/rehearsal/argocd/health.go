package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/util/lua"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// healthKey is what begins the keys of argocd-cm that hold a health check, before group and kind.
const healthKey = "resource.customizations.health."

// health returns the command that says of objects how healthy Argo CD takes them for, with the checks of an argocd-cm.
func health() *cobra.Command {
	return &cobra.Command{
		Use:   "health",
		Short: "Read {settings, objects} as JSON and print a status and a message for each object",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			read, err := io.ReadAll(command.InOrStdin())
			if err != nil {
				return err
			}
			var asked struct {
				Settings map[string]string
				Objects  []map[string]any
			}
			if err := json.Unmarshal(read, &asked); err != nil {
				return fmt.Errorf("reading objects: %w", err)
			}
			overrides := map[string]v1alpha1.ResourceOverride{}
			for key, script := range asked.Settings {
				if name, found := strings.CutPrefix(key, healthKey); found {
					overrides[strings.Replace(name, "_", "/", 1)] = v1alpha1.ResourceOverride{HealthLua: script}
				}
			}
			machine := lua.VM{ResourceOverrides: overrides}
			told := []map[string]string{}
			for _, object := range asked.Objects {
				value := &unstructured.Unstructured{Object: object}
				script, openLibraries, err := machine.GetHealthScript(value)
				if err != nil {
					return err
				}
				if script == "" {
					return fmt.Errorf("no health check for %s", value.GroupVersionKind())
				}
				machine.UseOpenLibs = openLibraries
				found, err := machine.ExecuteHealthLua(value, script)
				if err != nil {
					return fmt.Errorf("%s %s: %w", value.GetKind(), value.GetName(), err)
				}
				told = append(told, map[string]string{"status": string(found.Status), "message": found.Message})
			}
			return json.NewEncoder(os.Stdout).Encode(told)
		},
	}
}
