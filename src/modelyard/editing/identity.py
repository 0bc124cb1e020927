"""The files that make a model of an environment out of an overlay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modelyard.catalog import EngineBase
from modelyard.editing.derived import facts_of
from modelyard.editing.environment_folder import EnvironmentFiles, generate_paths
from modelyard.editing.menu import FEATURES, OVERLAYS, Menu, Overlay
from modelyard.editing.served import NAME, asked_values, of_environment
from modelyard.editing.splicing import fragment
from modelyard.findings import UserError

_UP = "../../../../"

_KUSTOMIZATION = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: models
resources:
  - {overlay}
components:
{components}\
  - ../../versions # last: it tags what features bring
patches:
{patches}\
  # The name of this model: its Service, workload and served name.
  - target: {{name: "serving|serving-settings"}}
    options: {{allowNameChange: true}}
    patch: |-
      - {{op: replace, path: /metadata/name, value: {name}}}
labels:
  - pairs: {{app.kubernetes.io/instance: {name}}}
    includeSelectors: true
    fields:
      - {{kind: ServiceMonitor, path: spec/selector/matchLabels, create: true}}
{replacements}"""

_STUB = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: {name}
  labels: {{app.kubernetes.io/component: model}} # chooses the shared patches
  annotations:
    argocd.argoproj.io/manifest-generate-paths: {paths}
spec:
  project: models
  source: {{path: {folder}}}
  destination: {{namespace: models}}
"""


def require_name(name: str, longest: int) -> None:
    """Refuse a name that a Service cannot have.

    Raises:
        UserError: It is no DNS label, too long for the engine, or a word that YAML reads as something else.
    """
    if not NAME.fullmatch(name):
        raise UserError(
            f"'{name}' is not a name of lower-case letters, digits and hyphens that starts with a letter",
            fix="choose a name such as chat or qwen3-32b",
        )
    if len(name) > longest:
        raise UserError(
            f"{name} has {len(name)} characters; a model of this engine may have {longest}", fix="choose a shorter name"
        )
    if name in ("y", "n", "yes", "no", "on", "off", "true", "false", "null"):
        raise UserError(f"'{name}' is a word that YAML reads as something else than text", fix="choose another name")


def write_model(
    environment: EnvironmentFiles, name: str, overlay: Overlay, engine: EngineBase, features: Sequence[str], menu: Menu
) -> None:
    """Write a model's folder and its Application, and list it.

    Raises:
        UserError: The name is taken, or cannot be one.
    """
    require_name(name, engine.longest_name)
    if name in environment.applications or name in environment.models:
        raise UserError(
            f"environment {environment.name} has an application {name} already",
            fix="choose another with --name, or change it with `modelyard model set`",
        )
    facts = facts_of(menu.files, environment, overlay.name, asked_values(menu, features, {}))
    sources = [of_environment(menu.of_feature(each), environment, facts) for each in features]
    sources.append(of_environment(engine.environment, environment, facts))
    text = _KUSTOMIZATION.format(
        name=name,
        overlay=f"{_UP}{OVERLAYS}/{overlay.name}",
        components="".join(f"  - {_UP}{FEATURES}/{each}\n" for each in features),
        patches="".join(_items(each) for extra in sources for each in extra.get("patches", ())),
        replacements=_replacements([each for extra in sources for each in extra.get("replacements", ())]),
    )
    environment.changes.write(environment.model_file(name), text)
    environment.changes.write(environment.stub(name), stub_text(environment, name))
    environment.list_application(name)


def stub_text(environment: EnvironmentFiles, name: str) -> str:
    """Return the Application of a model whose folder is written."""
    folder = environment.model_folder(name)
    return _STUB.format(name=name, paths=generate_paths(environment.changes, folder), folder=folder)


def _items(value: Any) -> str:
    return "".join(f"  {line}\n" for line in fragment([value]))


def _replacements(entries: Sequence[Any]) -> str:
    return "replacements:\n" + "".join(map(_items, entries)) if entries else ""
