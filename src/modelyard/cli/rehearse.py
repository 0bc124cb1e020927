"""`modelyard rehearse`."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelyard.cli.boundary import verb
from modelyard.cli.options import AsJson, Folder, StrictlyChecked, environment_option, require_folder
from modelyard.findings import Refusal, Severity

if TYPE_CHECKING:
    from modelyard.rehearsal import Rehearsal

LEVELS = ("schema", "schedule")


@verb
def command(
    path: Folder = Path(),
    environment: Annotated[
        str,
        environment_option("The environment to rehearse.", show_default="the only one"),
    ] = "",
    level: Annotated[
        str,
        typer.Option(
            "--level",
            metavar="LEVEL",
            help="schema: a real API server takes everything, as a dry run; schedule: and Karpenter places the pods.",
        ),
    ] = "schema",
    strict: StrictlyChecked = False,
    as_json: AsJson = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> int:
    """Try an environment on a control plane that runs on this machine for as long as that takes."""
    from modelyard.cli.terminal import Progress

    if level not in LEVELS:
        raise Refusal(f"--level {level} is no level", fix=f"choose {' or '.join(LEVELS)}")
    require_folder(path)
    _end_with_the_terminal()
    from modelyard.rehearsal import rehearse

    with Progress(quiet=quiet) as progress:
        made = rehearse(path, environment or _only_environment(path), level, progress)
    if as_json:
        _write_json(made, strict)
    else:
        _write_text(made, strict)
    return made.report.exit_code(Severity.ERROR, strict)


def _only_environment(path: Path) -> str:
    from modelyard.repository import Repository

    names = list(Repository(path).environments)
    if len(names) == 1:
        return str(names[0])
    if not names:
        raise Refusal(
            f"{path.resolve()} holds no environments",
            fix="run it in a GitOps repository, or make one with `modelyard new`",
        )
    raise Refusal("there are several environments, and one can be rehearsed", fix=f"add --env {names[0]}")


def _end_with_the_terminal() -> None:
    """Clear up as well when the terminal is closed."""

    def end(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGHUP, end)


def _write_text(made: Rehearsal, strict: bool) -> None:
    from modelyard.cli.check import path_prefix
    from modelyard.cli.terminal import look_of, show
    from modelyard.reporting import Line, Presentation, duration, resolved, write
    from modelyard.rules import rules

    look = look_of(sys.stdout)
    presentation = Presentation(
        colour=look.colour,
        width=look.width,
        ascii=look.ascii,
        strict=strict,
        path_prefix=path_prefix(made.report.root),
        rules=rules(),
    )
    write(resolved(made.report), "text", sys.stdout, presentation)
    lines: list[Line] = [[]]
    lines.append([(f"rehearsal of {made.environment}, level {made.level}", "strong")])
    lines.append([(f"  real: etcd, and kube-apiserver {made.kubernetes_version} with its own admission", "plain")])
    if made.level == "schedule":
        lines.append([("  real: kube-controller-manager, kube-scheduler, Karpenter's scheduling", "plain")])
        lines.append([("  stood in for: nodes, their kubelets, EC2 (the catalogue's types and prices)", "plain")])
        lines.append([("  not here: operators with their webhooks, AWS", "plain")])
    else:
        lines.append([("  not here: operators with their webhooks, controllers, nodes, AWS", "plain")])
    for pod in made.pods:
        where = f"{pod.instance_type} of pool {pod.pool} in {pod.zone}" if pod.node else "no node"
        lines.append([(f"  {pod.namespace}/{pod.name}: {where}", "plain")])
    for component in made.components:
        memory = "memory unknown" if component.peak_memory is None else f"{component.peak_memory / 1e6:,.0f} MB"
        ready = "" if component.ready_seconds is None else f"ready after {duration(component.ready_seconds)}, "
        lines.append([(f"  {component.name:<23} {ready}{memory} at most", "faint")])
    for stage in made.stages:
        count = f", {stage.count:,}" if stage.count else ""
        lines.append([(f"  {stage.name:<23} {duration(stage.seconds)}{count}", "faint")])
    show(lines)


def _write_json(made: Rehearsal, strict: bool) -> None:
    from modelyard.reporting import Presentation, resolved
    from modelyard.reporting.json_v1 import report_v1
    from modelyard.rules import rules

    report = report_v1(resolved(made.report), Presentation(strict=strict, rules=rules()))
    content = {
        "version": 1,
        "level": made.level,
        "environment": made.environment,
        "kubernetes_version": made.kubernetes_version,
        "components": [
            {
                "name": each.name,
                "ready_seconds": None if each.ready_seconds is None else round(each.ready_seconds, 3),
                "peak_memory_bytes": each.peak_memory,
            }
            for each in made.components
        ],
        "pods": [
            {
                "namespace": each.namespace,
                "name": each.name,
                "node": each.node or None,
                "pool": each.pool or None,
                "instance_type": each.instance_type or None,
                "zone": each.zone or None,
                "reasons": list(each.reasons),
            }
            for each in made.pods
        ],
        "stages": [{"name": each.name, "seconds": round(each.seconds, 3), "count": each.count} for each in made.stages],
        "report": report.model_dump(mode="json", by_alias=True),
    }
    sys.stdout.write(json.dumps(content, indent=2) + "\n")
