"""What features ask of an environment and do not write themselves: figures of the overlay, facts of the environment.

A value of `environment` in `feature.yaml` may hold `${FACT}`, or `${FACT + AMOUNT}` for a sum of quantities.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any

from modelyard.editing.environment_folder import EnvironmentFiles
from modelyard.editing.menu import OVERLAYS
from modelyard.findings import UserError
from modelyard.repository import Files
from modelyard.view import quantity
from modelyard.view.networks import VPC_CIDR, public_subnets
from modelyard.view.overlays import overlay_sizes

EXAMPLE_CLUSTER = "my-platform-dev"
"""Cluster that features name where an environment has its own."""

PLACEHOLDER = re.compile(r"\$\{(?P<fact>[a-z-]+\.[a-z-]+)(?: \+ (?P<amount>[0-9]+Gi))?\}")


_VPC = re.compile(r'^vpc_cidr\s*=\s*"([^"]+)"', re.MULTILINE)
_ZONES = re.compile(r"^zones[ \t]*=[ \t]*\[([^\]\[]*)\]", re.MULTILINE)


def facts_of(
    files: Files, environment: EnvironmentFiles, overlay: str, asked: Mapping[str, str], memory: str = ""
) -> dict[str, str]:
    """Return what placeholders of features stand for, by name.

    Args:
        files: The repository, with the edit.
        environment: The environment.
        overlay: The model's overlay; empty where it takes none.
        asked: What features ask for, with what was answered, else their example.
        memory: The memory limit that the environment itself gives the engine; empty where it gives none.
    """
    sizes = overlay_sizes(files, f"{OVERLAYS}/{overlay}") if overlay else None
    found = {f"asked.{name}": value for name, value in asked.items()}
    if sizes is not None:
        found |= {"overlay.memory": memory or sizes.memory, "overlay.shm": sizes.shm}
    subnets = _public_subnets(environment)
    blocks = ", ".join(f"{{ipBlock: {{cidr: {each}}}}}" for each in subnets)
    found["environment.public-subnets"] = f"[{blocks}]" if subnets else ""
    for key in ("account", "region"):
        found[f"environment.{key}"] = str(environment.facts.get(key) or "")
    return found


def _public_subnets(environment: EnvironmentFiles) -> list[IPv4Network]:
    """Return where load balancers that face the internet stand; nothing where the variables cannot be read."""
    file = f"{environment.folder}/terraform.tfvars"
    text = environment.changes.text(file) if environment.changes.exists(file) else ""
    told, zones = _VPC.search(text), _ZONES.search(text)
    count = len(re.findall(r'"[^"]+"', zones[1])) if zones else len(environment.facts.get("zones") or ())
    return public_subnets(told[1] if told else VPC_CIDR, count)


def derived(value: Any, facts: Mapping[str, str], cluster: str) -> Any:
    """Return a value of a feature with this model's and this environment's facts in the place of placeholders.

    Args:
        value: A value as `feature.yaml` has it; mappings and lists are gone through.
        facts: Facts by name, such as `overlay.memory`.
        cluster: The environment's cluster.

    Raises:
        UserError: A fact is not known.
    """
    if isinstance(value, dict):
        return {key: derived(each, facts, cluster) for key, each in value.items()}
    if isinstance(value, list):
        return [derived(each, facts, cluster) for each in value]
    if not isinstance(value, str):
        return value
    return PLACEHOLDER.sub(lambda match: _told(match, facts), value).replace(EXAMPLE_CLUSTER, cluster)


def is_of(written: Any, pattern: Any) -> bool:
    """Return whether a value is what a feature's value once became, whatever the facts were then."""
    if isinstance(pattern, dict) and isinstance(written, dict):
        return pattern.keys() == written.keys() and all(is_of(written[key], pattern[key]) for key in pattern)
    if isinstance(pattern, list) and isinstance(written, list):
        return len(pattern) == len(written) and all(map(is_of, written, pattern))
    if isinstance(pattern, str) and PLACEHOLDER.search(pattern):
        literal = [re.escape(part) for part in re.split(r"\$\{[^{}]*\}", pattern)]
        return re.fullmatch(".+".join(literal), str(written)) is not None
    return bool(written == pattern)


def _told(match: re.Match[str], facts: Mapping[str, str]) -> str:
    name, amount = match["fact"], match["amount"]
    told = facts.get(name, "")
    if not told:
        raise UserError(f"{name} is not known here, and the feature is made of it", fix=_WHERE[name.partition(".")[0]])
    if amount is None:
        return told
    whole, more = quantity(told), quantity(amount)
    if whole is None or more is None:
        raise UserError(f"{name} is {told}, expected a quantity such as 16Gi")
    return f"{-(-int(whole + more) // 2**30)}Gi"


_WHERE = {
    "overlay": "set limits.memory of the engine and sizeLimit of the volume shm in the overlay",
    "environment": "fill environment.yaml, for instance by modelyard env sync",
}
