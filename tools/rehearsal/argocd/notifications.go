package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sort"

	"github.com/argoproj/argo-cd/v3/util/notification/settings"
	"github.com/argoproj/notifications-engine/pkg/api"
	"github.com/argoproj/notifications-engine/pkg/services"
	"github.com/argoproj/notifications-engine/pkg/templates"
	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
)

// told is what one trigger says of one Application.
type told struct {
	Trigger      string   `json:"trigger"`
	Fires        bool     `json:"fires"`
	OncePer      string   `json:"oncePer"`
	Text         string   `json:"text"`
	Destinations []string `json:"destinations"`
	Error        string   `json:"error,omitempty"`
}

// notifications returns the command that says of Applications which triggers fire, what they send and where to.
func notifications() *cobra.Command {
	return &cobra.Command{
		Use:   "notifications",
		Short: "Read {settings, secret, applications} as JSON and print what each trigger says of each Application",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			read, err := io.ReadAll(command.InOrStdin())
			if err != nil {
				return err
			}
			var asked struct {
				Settings     map[string]string
				Secret       map[string][]byte
				Applications []map[string]any
			}
			if err := json.Unmarshal(read, &asked); err != nil {
				return fmt.Errorf("reading Applications: %w", err)
			}
			configMap, secret := &corev1.ConfigMap{Data: asked.Settings}, &corev1.Secret{Data: asked.Secret}
			config, err := api.ParseConfig(configMap, secret)
			if err != nil {
				return err
			}
			// What asks for commits would need a repository server; no trigger of ours does.
			factory := settings.GetFactorySettings(nil, "argocd-notifications-secret", "argocd-notifications-cm", false)
			variables, err := factory.InitGetVars(config, configMap, secret)
			if err != nil {
				return err
			}
			engine, err := api.NewAPI(*config, variables)
			if err != nil {
				return err
			}
			texts, err := templates.NewService(config.Templates)
			if err != nil {
				return err
			}
			answers := [][]told{}
			for _, application := range asked.Applications {
				answers = append(answers, judged(application, config, engine, variables, texts))
			}
			return json.NewEncoder(os.Stdout).Encode(answers)
		},
	}
}

// judged returns what every trigger says of an Application, by name of the trigger.
func judged(
	application map[string]any, config *api.Config, engine api.API, variables api.GetVars, texts templates.Service,
) []told {
	names := []string{}
	for name := range config.Triggers {
		names = append(names, name)
	}
	sort.Strings(names)
	destinations := config.GetGlobalDestinations(nil)
	found := []told{}
	for _, name := range names {
		said := told{Trigger: name, Destinations: []string{}}
		for _, each := range destinations[name] {
			said.Destinations = append(said.Destinations, each.Service+":"+each.Recipient)
		}
		results, err := engine.RunTrigger(name, application)
		if err != nil {
			said.Error = err.Error()
		}
		for _, result := range results {
			if !result.Triggered {
				continue
			}
			said.Fires, said.OncePer = true, result.OncePer
			in := variables(application, services.Destination{Service: "slack", Recipient: "channel"})
			sent, err := texts.FormatNotification(in, result.Templates...)
			if err != nil {
				said.Error = err.Error()
				continue
			}
			said.Text += sent.Message
		}
		found = append(found, said)
	}
	return found
}
