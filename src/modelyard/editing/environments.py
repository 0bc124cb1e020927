"""Environments listed and removed, and what Terraform knows written into their files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modelyard.editing.addons import VARIABLE as ADDON_VERSIONS
from modelyard.editing.addons import pin_addons
from modelyard.editing.changes import Changes
from modelyard.editing.environment_folder import EnvironmentFiles, environment_files
from modelyard.editing.models import SETTINGS
from modelyard.editing.owners import set_owners
from modelyard.editing.splicing import Text
from modelyard.findings import At, Place, UserError
from modelyard.repository import ENVIRONMENTS, PLATFORM, kustomization_file
from modelyard.repository.json import MalformedJSON, parsed

OUTPUTS = "terraform-outputs"
"""Key of `component.yaml` that says which output of Terraform is written where, and name of the generated ConfigMap."""

_MOST_BYTES = 4 * 1024 * 1024
_SAME = {"account_id": "account", "region": "region", "cluster_name": "cluster"}
"""Outputs that say whose they are, and the fact of the environment that they must equal."""


@dataclass(frozen=True, slots=True)
class EnvironmentRow:
    """An environment in a list.

    Attributes:
        name: Its name.
        account: AWS account.
        region: AWS region.
        cluster: The cluster.
        kubernetes: Its version.
        revision: What its Applications follow.
        template: Version of the template that it is at; empty where Modelyard did not write it.
        models: Its models.
        components: Its platform components.
        protected: Whether it is removed only when that is said twice.
    """

    name: str
    account: str
    region: str
    cluster: str
    kubernetes: str
    revision: str
    template: str
    models: tuple[str, ...]
    components: tuple[str, ...]
    protected: bool


@dataclass(frozen=True, slots=True)
class Sync:
    """One output of Terraform, and where an environment keeps it.

    Attributes:
        component: Platform component that declares it.
        output: The output, and with dots fields of it.
        file: File in the component's folder of the environment.
        literal: Name of a literal of the ConfigMap `terraform-outputs`; empty where `path` says where.
        path: Keys to a value of the file, with dots.
    """

    component: str
    output: str
    file: str
    literal: str = ""
    path: str = ""


def environment_rows(changes: Changes) -> list[EnvironmentRow]:
    """Return the environments, by name."""
    found = []
    for name in changes.files.under(ENVIRONMENTS):
        if not kustomization_file(changes.files, f"{ENVIRONMENTS}/{name}"):
            continue
        environment = EnvironmentFiles(changes, name)
        facts = environment.facts
        found.append(
            EnvironmentRow(
                name,
                str(facts.get("account", "")),
                str(facts.get("region", "")),
                str(facts.get("cluster", "")),
                str(facts.get("kubernetes", "")),
                str(facts.get("revision", "")),
                str(environment.answers.get("_commit") or ""),
                environment.models,
                tuple(sorted(environment.applications - set(environment.models))),
                is_protected(environment),
            )
        )
    return found


def is_protected(environment: EnvironmentFiles) -> bool:
    """Return whether an environment is protected: as it says itself, else when its name begins with prod."""
    told = environment.facts.get("protected")
    return told if isinstance(told, bool) else environment.name.startswith("prod")


def remove_environment(changes: Changes, name: str, *, yes: bool) -> tuple[str, ...]:
    """Remove the files of an environment, and return what remains of it, one sentence each.

    Raises:
        UserError: There is none of that name, or it is protected and `yes` was not given.
    """
    environment = environment_files(changes, name)
    facts = environment.facts
    if is_protected(environment) and not yes:
        raise UserError(
            f"environment {name} is protected, and serves {len(environment.models)} models",
            fix=f"give --yes to remove its files all the same; its cluster goes by scripts/cleanup.sh {name}, first",
        )
    cluster, account = facts.get("cluster") or name, facts.get("account") or "its account"
    changes.remove(environment.folder)
    set_owners(changes, name, ())
    if changes.exists(SETTINGS):
        text = Text(SETTINGS, changes.text(SETTINGS))
        if text.get(["ceilings", name]) is not None:
            changes.edit(SETTINGS, lambda each: each.remove_key(["ceilings", name]))
    return (
        f"cluster {cluster} in {account} and all that Terraform made for it; scripts/cleanup.sh {name} removes it, and "
        "needs these files",
        f"its data: the bucket {cluster}-models-{account}, secrets in AWS Secrets Manager, Terraform's state",
        "Argo CD in that cluster, which goes on with what it has and reports that its folder is gone",
    )


def declared(changes: Changes, environment: EnvironmentFiles) -> Iterator[Sync]:
    """Yield which outputs the components of an environment want, in order of component.

    Raises:
        UserError: A component declares it in another way than it should.
    """
    for component in changes.files.under(PLATFORM):
        file = f"{PLATFORM}/{component}/component.yaml"
        if component not in environment.applications or not changes.files.is_file(file):
            continue
        content = changes.files.documents(file)
        entries = content[0].get(OUTPUTS) if content and isinstance(content[0], dict) else None
        for entry in entries or ():
            if not isinstance(entry, dict) or ("literal" in entry) == ("path" in entry) or "output" not in entry:
                raise UserError(
                    f"{file}: an entry of {OUTPUTS} should name an output, and either a literal or a path",
                    at=At(Place(file)),
                )
            where = str(entry.get("file") or "kustomization.yaml")
            yield Sync(
                component, str(entry["output"]), where, str(entry.get("literal", "")), str(entry.get("path", ""))
            )


def outputs(text: str) -> dict[str, Any]:
    """Return the outputs that `terraform output -json` printed, sensitive ones left out.

    Raises:
        UserError: It is something else.
    """
    expected = "terraform output -json prints a mapping of names to values"
    try:
        raw = parsed(text, "the outputs", most=_MOST_BYTES)
    except MalformedJSON as error:
        raise UserError(error.message, fix=expected) from None
    if not isinstance(raw, dict) or not all(isinstance(each, dict) and "value" in each for each in raw.values()):
        raise UserError("the outputs are not those of terraform output -json", fix=expected)
    return {name: each["value"] for name, each in raw.items() if not each.get("sensitive")}


def sync_outputs(changes: Changes, name: str, values: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Write what Terraform alone knows into the files of an environment.

    Args:
        changes: The edit.
        name: The environment.
        values: The outputs.

    Returns:
        What was set, and what could not be, one phrase each.

    Raises:
        UserError: The outputs are another environment's, or a value is no text.
    """
    environment = environment_files(changes, name)
    facts = environment.facts
    for output, fact in _SAME.items():
        told, own = values.get(output), facts.get(fact)
        if told is not None and own is not None and str(told) != str(own):
            raise UserError(
                f"the outputs are of {fact} {told}, environment {name} is {fact} {own}",
                fix=f"run terraform init with environments/{name}/backend.hcl first",
            )
    written, missing = [], []
    for sync in declared(changes, environment):
        value = _value(values, sync.output)
        file = f"{environment.folder}/platform/{sync.component}/{sync.file}"
        if not changes.exists(file) or not _asked(Text(file, changes.text(file)), sync):
            continue
        if value is None:
            missing.append(f"{sync.output}: Terraform has none")
            continue
        if not isinstance(value, str) or "\n" in value or not value.isprintable():
            raise UserError(f"output {sync.output} is no single line of text", fix="look at terraform output")
        if _set(changes, file, sync, value):
            written.append(f"{sync.output} = {value} in {file}")
    if pin_addons(changes, environment, values):
        written.append(f"{ADDON_VERSIONS} in {environment.folder}/terraform.tfvars")
    return written, missing


def _value(values: Mapping[str, Any], name: str) -> Any:
    found: Any = values
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _asked(text: Text, sync: Sync) -> bool:
    """Return whether a file has a place for an output; an environment without Lustre has none for its name."""
    return bool(sync.path) or _position(text, sync.literal) is not None


def _position(text: Text, literal: str) -> tuple[int, int] | None:
    """Return which generator's which literal holds an output."""
    for index, generator in enumerate(text.items(["configMapGenerator"])):
        if isinstance(generator, dict) and generator.get("name") == OUTPUTS:
            for number, each in enumerate(generator.get("literals") or []):
                if str(each).partition("=")[0] == literal:
                    return index, number
    return None


def _set(changes: Changes, file: str, sync: Sync, value: str) -> bool:
    """Set one value, and return whether it differed."""
    text = Text(file, changes.text(file))
    keys: list[str | int] = list(sync.path.split("."))
    if not sync.path:
        position = _position(text, sync.literal)
        if position is None:
            return False
        keys = ["configMapGenerator", position[0], "literals", position[1]]
        value = f"{sync.literal}={value}"
    if text.get(keys) == value:
        return False
    text.set_scalar(keys, value)
    changes.write(file, str(text))
    return True
