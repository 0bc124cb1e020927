"""What names mean, as short Markdown: flags, variables, instance types, devices, models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from modelyard.catalog import (
    Device,
    Engine,
    devices,
    engine,
    engine_versions,
    instance_type,
    model,
    setting_meanings,
)
from modelyard.costing import instance_price
from modelyard.sizing import Fit, FitVerdict, bars, fits
from modelyard.view import Environment, title_of
from modelyard.wording import counted


def flag_meaning(name: str, version: str | None, spelling: str) -> str:
    """Return what a flag of an engine does, its type and default, and since when it is there; empty if unknown.

    Args:
        name: The engine, such as `vllm`.
        version: Its version; the newest in the data when None.
        spelling: The flag, with or without dashes.
    """
    found = nearest_engine(name, version)
    flag = found.flag(spelling if spelling.startswith("-") else f"--{spelling}") if found is not None else None
    if found is None or flag is None:
        return ""
    kind = "one of " + ", ".join(f"`{each}`" for each in flag.choices) if flag.choices else flag.type
    default = "" if flag.default is None else f", default `{_written(flag.default)}`"
    lines = [f"**--{flag.name}** — {title_of(name)} {found.version}: {kind}{default}"]
    meaning = setting_meanings(name).get(flag.name)
    lines += [meaning] if meaning else []
    lines.append(_since(name, flag.name, "flag", found.version, version))
    return "\n\n".join(lines)


def variable_meaning(name: str, version: str | None, variable: str) -> str:
    """Return that an engine reads an environment variable, and since when; empty where it does not."""
    found = nearest_engine(name, version)
    if found is None or variable not in found.environment:
        return ""
    since = _since(name, variable, "variable", found.version, version)
    return f"**{variable}** — environment variable of {title_of(name)} {found.version}\n\n{since}"


def nearest_engine(name: str, version: str | None) -> Engine | None:
    """Return an engine's record: that of the version, else the newest one before it, else the newest."""
    from modelyard.catalog.engines import version_order

    known = engine_versions(name)
    if not known:
        return None
    older = [each for each in known if version and version_order(each) <= version_order(version)]
    return engine(name, older[-1] if older else known[-1])


@lru_cache(maxsize=2048)
def _since(name: str, what: str, kind: str, read: str, asked: str | None) -> str:
    having = [each for each in engine_versions(name) if _has(engine(name, each), what, kind)]
    known = engine_versions(name)
    if not having:
        return ""
    first = known.index(having[0])
    text = f"In {having[0]}, the oldest version known here" if first == 0 else f"Since {having[0]}"
    text += "" if first == 0 else f" or a version after {known[first - 1]}, which lacks it"
    if having[-1] != known[-1]:
        text += f"; gone after {having[-1]}"
    return f"{text}." + (f" Version {asked} itself is not in the data." if asked and asked != read else "")


def _has(found: Engine | None, what: str, kind: str) -> bool:
    return found is not None and (what in found.flags if kind == "flag" else what in found.environment)


def _written(value: Any) -> str:
    return {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def instance_meaning(name: str, regions: Iterable[str]) -> str:
    """Return what an instance type has, and its on-demand price in regions; empty for what is none."""
    found = instance_type(name)
    if found is None:
        return ""
    lines = [f"**{name}** — {found.vcpus} vCPUs, {found.memory_mib / 1024:g} GiB memory, {found.architecture or '?'}"]
    for each in found.accelerators:
        memory = f" of {each.memory_mib / 1024:g} GiB" if each.memory_mib and each.kind == "gpu" else ""
        lines.append(f"{each.logical_count} x {each.manufacturer} {each.name}{memory}")
    if found.efa_interfaces:
        lines.append(f"EFA: {counted(found.efa_interfaces, 'interface')}")
    for region in dict.fromkeys(filter(None, regions)):
        price = instance_price(name, region)
        told = f"${price.usd_per_hour:,.3f} an hour on demand, {price.status.value} {price.date}"
        lines.append(f"{region}: {told if price.usd_per_hour is not None else f'price not known ({price.source})'}")
    return "\n\n".join(lines)


def device_meaning(name: str) -> str:
    """Return what a device has; empty for what is none."""
    wanted = name.lower().replace(" ", "-")
    named = [each for each in devices() if wanted in (each.name.lower().replace(" ", "-"), *each.aliases)]
    return "\n\n".join(map(_device_line, named))


def _device_line(found: Device) -> str:
    parts = [f"{found.nominal_mib / 1024:g} GiB nominal"]
    if found.usable_gib is not None:
        parts.append(f"{found.usable_gib:g} GiB seen by a process")
    if found.compute_capability:
        parts.append("compute capability {}.{}".format(*found.compute_capability))
    if found.cores:
        parts.append(f"{found.cores} NeuronCores")
    if found.memory_gb_per_s:
        parts.append(f"{found.memory_gb_per_s:,.0f} GB/s memory")
    return f"**{found.name}** — {found.manufacturer}: {', '.join(parts)}"


def model_meaning(model_id: str, views: Iterable[Environment]) -> str:
    """Return what is known of a model, and how it fits where it is served; empty for what is none."""
    found = model(model_id)
    served = list(_served(model_id, views))
    if found is None and not served:
        return ""
    lines = []
    if found is not None:
        size = f", {found.parameters_billion:g} billion parameters" if found.parameters_billion else ""
        sure = "" if found.is_verified("license") else " (license not verified)"
        lines.append(f"**{found.id}** — {found.family}{size}, {found.license}{sure}")
    return "\n\n".join([*lines, *(line for name, fit in served for line in fit_meaning(name, fit))])


def _served(word: str, views: Iterable[Environment]) -> Iterator[tuple[str, Fit]]:
    for view in views:
        for fit in fits(view):
            if word in (fit.model.settings.model_id, fit.model.name):
                yield view.name, fit


def fit_meaning(environment: str, fit: Fit) -> Iterator[str]:
    """Yield a line for each device that a model of an environment can land on."""
    name = f"`{environment}/{fit.model.name}`"
    if fit.gap:
        yield f"{name}: not checked, {fit.gap}"
    for each in fit.devices:
        reasons = "" if each.assessment.verdict is FitVerdict.FITS else "; ".join(each.assessment.reasons)
        yield f"{name}: **{each.assessment.verdict.value}** — {bars(each.assessment)}{reasons and f'; {reasons}'}"
    for core in fit.cores:
        reasons = "; ".join(core.budget.reasons)
        yield f"{name}: **{core.budget.verdict.value}** on {core.eligible.device.name} {reasons}".rstrip()


def served_name_meaning(name: str, views: Iterable[Environment]) -> str:
    """Return how the models of a name fit; empty where no environment serves one."""
    return "\n\n".join(line for environment, fit in _served(name, views) for line in fit_meaning(environment, fit))
