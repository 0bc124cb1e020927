"""What `modelyard rehearse` writes."""

from __future__ import annotations

import sys
from typing import Any

from modelyard.cli.check import path_prefix
from modelyard.cli.terminal import look_of, show
from modelyard.rehearsal import MockCloudResult, Rehearsal, Scheduled
from modelyard.reporting import Line, Presentation, duration, json_text, write
from modelyard.reporting.json_v1 import report_v1
from modelyard.rules import rules


def write_text(made: Rehearsal, strict: bool) -> None:
    """Write findings, then what was real, what became of it, and what that took."""
    look = look_of(sys.stdout)
    presentation = Presentation(
        colour=look.colour,
        width=look.width,
        ascii=look.ascii,
        strict=strict,
        path_prefix=path_prefix(made.report.root),
        rules=rules(),
    )
    write(made.report, "text", sys.stdout, presentation)
    lines: list[Line] = [[]]
    lines.append([(f"rehearsal of {made.environment}, level {made.level}", "strong")])
    lines += [[(f"  {kind}: {text}", "plain")] for kind, text in _parts(made)]
    lines += [[(f"  {text}", "plain")] for text in _of_account(made)]
    for application in made.applications:
        lines.append([(f"  {application.name}: {application}", "plain")])
    for pod in made.pods:
        lines.append([(f"  {pod.namespace}/{pod.name}: {_where(pod)}", "plain")])
    for step in made.day:
        told = "; ".join(step.problems) or "as designed"
        lines.append([(f"  {step.name}, {step.application}: {told} ({duration(step.seconds)})", "plain")])
    lines += [[(f"  {text}", "plain")] for text in _of_absence(made)]
    for component in made.components:
        memory = "memory unknown" if component.peak_memory is None else f"{component.peak_memory / 1e6:,.0f} MB"
        ready = "" if component.ready_seconds is None else f"ready after {duration(component.ready_seconds)}, "
        lines.append([(f"  {component.name:<29} {ready}{memory} at most", "faint")])
    known = [each.peak_memory for each in made.components if each.peak_memory is not None]
    if known:
        lines.append([(f"  {'all together':<29} {sum(known) / 1e6:,.0f} MB at most", "faint")])
    for stage in made.stages:
        count = f", {stage.count:,}" if stage.count else ""
        lines.append([(f"  {stage.name:<29} {duration(stage.seconds)}{count}", "faint")])
    show(lines)


def write_json(made: Rehearsal, strict: bool) -> None:
    """Write the same for programs."""
    report = report_v1(made.report, Presentation(strict=strict, rules=rules()))
    content = {
        "version": 1,
        "level": made.level,
        "environment": made.environment,
        "kubernetes_version": made.kubernetes_version,
        "argocd_version": made.argocd_version or None,
        "real_operators": made.groups,
        "stood_in": made.stood_in,
        "components": [
            {
                "name": each.name,
                "ready_seconds": None if each.ready_seconds is None else round(each.ready_seconds, 3),
                "peak_memory_bytes": each.peak_memory,
            }
            for each in made.components
        ],
        "cloud": _cloud(made.cloud) if made.cloud else None,
        "applications": [
            {
                "name": each.name,
                "sync": each.sync,
                "health": each.health,
                "phase": each.phase or None,
                "reasons": list(each.reasons),
            }
            for each in made.applications
        ],
        "pods": [_pod(each) for each in made.pods],
        "day": [
            {
                "name": each.name,
                "application": each.application,
                "seconds": round(each.seconds, 3),
                "problems": list(each.problems),
            }
            for each in made.day
        ],
        "without": _absence(made),
        "stages": [{"name": each.name, "seconds": round(each.seconds, 3), "count": each.count} for each in made.stages],
        "report": report.model_dump(mode="json", by_alias=True),
    }
    sys.stdout.write(json_text(content))


def _parts(made: Rehearsal) -> list[tuple[str, str]]:
    """Return what was real, what was stood in for, and what was missing."""
    real = [("real", f"etcd, and kube-apiserver {made.kubernetes_version} with its own admission")]
    if made.level == "schema":
        return [*real, ("not here", "operators with their webhooks, controllers, nodes, AWS")]
    if made.cloud is not None:
        return [
            *real,
            ("real", "kube-controller-manager, kube-scheduler, Karpenter with its AWS provider, Terraform with its"),
            ("stood in for", ", ".join(["AWS (moto and answers of our own)", "nodes, their kubelets", *made.stood_in])),
            (
                "not here",
                "Argo CD, charts and what they hold, webhooks of operators, prices, capacity, rights, containers",
            ),
        ]
    real.append(("real", "kube-controller-manager, kube-scheduler, Karpenter's scheduling"))
    real += [("real", f"{name}'s own controllers") for name in made.groups]
    nodes = "nodes, their kubelets, EC2 (the catalogue's types and prices)"
    if made.level == "schedule":
        others = "other operators" if made.groups else "operators"
        return [
            *real,
            ("stood in for", ", ".join([nodes, *made.stood_in])),
            ("not here", f"{others} with their webhooks, AWS"),
        ]
    real.append(("real", f"Argo CD {made.argocd_version}: application controller and repo-server"))
    stood_in = [nodes, "Redis (miniredis)", *made.stood_in]
    return [
        *real,
        ("stood in for", ", ".join(stood_in)),
        (
            "not here",
            "charts and what they hold, webhooks of other operators, AWS, containers"
            if made.groups
            else "charts and what they hold, webhooks of operators, AWS, containers",
        ),
    ]


def _of_absence(made: Rehearsal) -> list[str]:
    """Return what waited while something was missing, one line each."""
    missed = made.missed
    if missed is None:
        return []
    lines = [f"while {missed.absence.words}, {missed.arrived} applications were well, and these waited:"]
    for each in missed.waiting:
        lines.append(f"  {each.name}: {each}")
        lines += [f"    {reason}" for reason in each.reasons]
    told = "well without a commit" if missed.mended else "not well"
    return [*lines, f"{duration(missed.seconds)} after that was over, all applications were {told}"]


def _absence(made: Rehearsal) -> dict[str, Any] | None:
    missed = made.missed
    if missed is None:
        return None
    return {
        "name": missed.absence.name,
        "words": missed.absence.words,
        "arrived": missed.arrived,
        "waiting": [{"name": each.name, "reasons": list(each.reasons)} for each in missed.waiting],
        "held_back": [each.name for each in missed.held_back],
        "mended": missed.mended,
        "seconds": round(missed.seconds, 3),
    }


def _of_account(made: Rehearsal) -> list[str]:
    """Return what was seen in the mock AWS account, one line each."""
    seen = made.cloud
    if seen is None:
        return []
    lines = [f"Terraform: {'failed after ' if seen.failed else ''}{seen.resources:,} resources"]
    lines += [f"written from its outputs: {each}" for each in seen.filled]
    lines += [f"not written: {each}" for each in seen.missing]
    for each in seen.node_classes.values():
        told = "ready" if each.ready else "; ".join(f"{it.kind}: {it.told}" for it in each.problems) or "not judged"
        found = {key: len(each.status.get(key, ())) for key in ("subnets", "securityGroups", "amis")}
        lines.append(
            f"node class {each.name}: {told} ({found['subnets']} subnets, {found['securityGroups']} security groups, "
            f"{found['amis']} images)"
        )
    if seen.interruption is not None:
        one = seen.interruption
        told = "; ".join(one.problems) or f"{one.node} drained and gone, its pods on other nodes"
        lines.append(f"{one.event} for {one.machine}: {told} ({duration(one.seconds)})")
    return lines


def _cloud(seen: MockCloudResult) -> dict[str, Any]:
    return {
        "terraform_resources": seen.resources,
        "terraform_failed": [each.summary for each in seen.failed],
        "filled_in": seen.filled,
        "missing_outputs": seen.missing,
        "node_classes": [
            {
                "name": each.name,
                "ready": each.ready,
                "problems": [{"condition": it.kind, "message": it.told} for it in each.problems],
                "subnets": len(each.status.get("subnets", ())),
                "security_groups": len(each.status.get("securityGroups", ())),
                "images": len(each.status.get("amis", ())),
            }
            for each in seen.node_classes.values()
        ],
        "queue": seen.queue or None,
        "karpenter_ended": seen.ended or None,
        "machines": seen.machines,
        "not_admitted": seen.outside,
        "interruption": None
        if seen.interruption is None
        else {
            "event": seen.interruption.event,
            "machine": seen.interruption.machine,
            "node": seen.interruption.node,
            "pods": list(seen.interruption.pods),
            "seconds": round(seen.interruption.seconds, 3),
            "problems": list(seen.interruption.problems),
        },
    }


def _where(pod: Scheduled) -> str:
    if not pod.node:
        return "no node" + (f": {pod.reasons[0]}" if pod.reasons else "")
    told = f", but {pod.difference}" if pod.difference else ", as foretold" if pod.placement else ""
    if not pod.pool:
        return f"{pod.node}{told}"
    return f"{pod.instance_type} of pool {pod.pool} in {pod.zone}{told}"


def _pod(pod: Scheduled) -> dict[str, Any]:
    return {
        "namespace": pod.namespace,
        "name": pod.name,
        "node": pod.node or None,
        "pool": pod.pool or None,
        "instance_type": pod.instance_type or None,
        "zone": pod.zone or None,
        "as_foretold": None if pod.placement is None or pod.placement.unknown else not pod.difference,
        "reasons": list(pod.reasons),
    }
