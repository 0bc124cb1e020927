"""Jobs and their schedules: pkg/apis/batch/validation/validation.go of Kubernetes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import available_timezones

from modelyard.rendering import Path
from modelyard.view.shapes import listed, mapping, numbered, text
from modelyard.view.validation.checks import Check, Refused, choice_of, range_of, whole

_LONGEST_CRON_NAME = 52
_MACRO = re.compile(r"@(?:yearly|annually|monthly|weekly|daily|midnight|hourly)")
_EVERY = re.compile(r"@every (?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+")
_PART = re.compile(r"(?P<first>\*|\?|\w+)(?:-(?P<last>\w+))?(?:/(?P<step>\d+))?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
# Least and greatest number of each field, and names that stand for numbers: spec.go of robfig/cron v3.
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 6, _DAYS),
)
_POLICY_ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")


def _job_spec(spec: dict[str, Any], at: Path) -> Iterator[Refused]:
    for field in ("parallelism", "completions", "backoffLimit", "ttlSecondsAfterFinished", "activeDeadlineSeconds"):
        yield from range_of(spec, at, field, 0)
    policy = mapping(spec, "template", "spec").get("restartPolicy")
    here = (*at, "template", "spec", "restartPolicy")
    if policy not in ("OnFailure", "Never"):
        told = policy or "Always, the default"
        yield Refused(here, f"restartPolicy is {told}, OnFailure or Never is expected")
    elif policy == "OnFailure" and spec.get("podFailurePolicy") is not None:
        yield Refused(here, "restartPolicy is OnFailure, and podFailurePolicy is set", "write Never")
    yield from choice_of(spec, at, "completionMode", ("Indexed", "NonIndexed"))
    indexed = spec.get("completionMode") == "Indexed"
    if indexed and spec.get("completions") is None:
        yield Refused((*at, "completionMode"), "completionMode is Indexed, and completions is missing")
    for field in ("backoffLimitPerIndex", "maxFailedIndexes", "successPolicy"):
        yield from range_of(spec, at, field, 0)
        if spec.get(field) is not None and not indexed:
            yield Refused((*at, field), f"{field} is set, and completionMode is not Indexed")
    failed, per_index = whole(spec.get("maxFailedIndexes")), spec.get("backoffLimitPerIndex")
    completions = whole(spec.get("completions"))
    if failed is not None and per_index is None:
        yield Refused((*at, "maxFailedIndexes"), "maxFailedIndexes is set, and backoffLimitPerIndex is missing")
    if failed is not None and completions is not None and failed > completions:
        yield Refused(
            (*at, "maxFailedIndexes"), f"maxFailedIndexes is {failed}, at most completions ({completions}) is allowed"
        )
    yield from _failure_policy(spec, at)


def _failure_policy(spec: dict[str, Any], at: Path) -> Iterator[Refused]:
    pod = mapping(spec, "template", "spec")
    known = {text(each, "name") for field in ("initContainers", "containers") for _, each in numbered(pod, field)}
    for index, rule in numbered(spec, "podFailurePolicy", "rules"):
        here = (*at, "podFailurePolicy", "rules", index)
        yield from choice_of(rule, here, "action", _POLICY_ACTIONS)
        if rule.get("action") == "FailIndex" and spec.get("backoffLimitPerIndex") is None:
            yield Refused((*here, "action"), "action is FailIndex, and backoffLimitPerIndex is missing")
        codes, conditions = rule.get("onExitCodes"), listed(rule, "onPodConditions")
        if bool(codes) == bool(conditions):
            told = "both" if codes else "neither"
            yield Refused(here, f"a rule of podFailurePolicy has {told} onExitCodes and onPodConditions")
        name = text(codes, "containerName")
        if name and name not in known:
            yield Refused(
                (*here, "onExitCodes", "containerName"),
                f"a rule of podFailurePolicy is for container {name}, which the pod does not have",
            )
    if spec.get("podFailurePolicy") is not None:
        yield from choice_of(spec, at, "podReplacementPolicy", ("Failed",))


def _job(value: dict[str, Any]) -> Iterator[Refused]:
    yield from _job_spec(mapping(value, "spec"), ("spec",))


def _cron_job(value: dict[str, Any]) -> Iterator[Refused]:
    spec = mapping(value, "spec")
    yield from _job_spec(mapping(spec, "jobTemplate", "spec"), ("spec", "jobTemplate", "spec"))
    name = text(value, "metadata", "name")
    if len(name) > _LONGEST_CRON_NAME:
        yield Refused(
            ("metadata", "name"), f"the name has {len(name)} letters, at most {_LONGEST_CRON_NAME} are allowed"
        )
    yield from schedule(spec, ("spec",))
    yield from choice_of(spec, ("spec",), "concurrencyPolicy", ("Allow", "Forbid", "Replace"))
    for field in ("successfulJobsHistoryLimit", "failedJobsHistoryLimit", "startingDeadlineSeconds"):
        yield from range_of(spec, ("spec",), field, 0)


def schedule(holder: dict[str, Any], at: Path) -> Iterator[Refused]:
    """Yield what is wrong with `schedule` and `timeZone` of a CronJob, or of what has the same fields."""
    written = text(holder, "schedule")
    if "TZ" in written:
        yield Refused((*at, "schedule"), f"schedule is {written}, which names a time zone", "write it to timeZone")
    elif said := wrong_schedule(written):
        yield Refused((*at, "schedule"), f"schedule is {written or 'empty'}, {said}")
    zone = holder.get("timeZone")
    if isinstance(zone, str) and (zone.lower() == "local" or not is_time_zone(zone)):
        yield Refused((*at, "timeZone"), f"timeZone is {zone or 'empty'}, a name such as Europe/Berlin is expected")


def is_time_zone(name: str) -> bool:
    """Return whether the IANA's list has a time zone; true where this machine has no list to ask."""
    known = available_timezones()
    return not known or name in known


def wrong_schedule(written: str) -> str:
    """Return what is wrong with a schedule of cron, empty when nothing is: `ParseStandard` of robfig/cron v3."""
    if _MACRO.fullmatch(written) or _EVERY.fullmatch(written):
        return ""
    fields = written.split()
    if written.startswith("@") or len(fields) != len(_FIELDS):
        return "five fields are expected"
    for field, (name, least, most, names) in zip(fields, _FIELDS, strict=True):
        if any(not _in_range(part, least, most, names) for part in field.split(",")):
            return f"{name} is {field}, {least} to {most} is expected"
    return ""


def _in_range(part: str, least: int, most: int, names: tuple[str, ...]) -> bool:
    found = _PART.fullmatch(part)
    if found is None or found["step"] == "0":
        return False
    if found["first"] in ("*", "?"):
        return found["last"] is None
    first, last = (_number(found[end], least, names) for end in ("first", "last"))
    if first is None or (found["last"] is not None and last is None):
        return False
    return least <= first <= (most if last is None else last) <= most


def _number(written: str | None, least: int, names: tuple[str, ...]) -> int | None:
    if written is None:
        return None
    if written.isdigit():
        return int(written)
    return names.index(written.lower()) + least if written.lower() in names else None


JOB_CHECKS: Mapping[tuple[str, str], Check] = {
    ("batch", "Job"): _job,
    ("batch", "CronJob"): _cron_job,
}
