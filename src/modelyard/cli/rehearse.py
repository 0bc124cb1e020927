"""`modelyard rehearse`."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer

from modelyard.cli.boundary import verb
from modelyard.cli.choices import RehearsalLevel
from modelyard.cli.options import AsJson, Folder, StrictlyChecked, environment_option, require_folder
from modelyard.findings import Severity, UserError


@verb
def command(
    path: Folder = Path(),
    environment: Annotated[
        str,
        environment_option("The environment to rehearse.", show_default="the only one"),
    ] = "",
    level: Annotated[
        RehearsalLevel,
        typer.Option(
            "--level",
            help="schema: a real API server takes everything, as a dry run; schedule: and Karpenter places the pods; "
            "sync: Argo CD makes it all from a copy of the working tree; cloud: Terraform makes a mock AWS account, "
            "and Karpenter's own AWS provider works there.",
        ),
    ] = RehearsalLevel.SCHEMA,
    timeout: Annotated[
        int,
        typer.Option(
            "--timeout",
            metavar="SECONDS",
            min=1,
            help="How long to wait for pods, Applications and an interruption at most.",
        ),
    ] = 300,
    day: Annotated[
        bool,
        typer.Option("--day2", help="After a sync: break, scale, rename and delete models, and take a node away."),
    ] = False,
    without: Annotated[
        str,
        typer.Option(
            "--without",
            metavar="WHAT",
            help="With level sync: let something be missing until all that need not wait for it is there, then bring "
            "it: certificates, images, load-balancers, node, node-classes, operators, scalers, secret-stores, "
            "secret-values, volumes, webhooks.",
        ),
    ] = "",
    strict: StrictlyChecked = False,
    as_json: AsJson = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> int:
    """Test-deploy an environment to a control plane that runs on this machine for the length of the test.

    What is missing is named, with exit code 2. Programs are built by modelyard tools install. Level cloud also needs
    Terraform, its AWS provider (from the registry, or from the folder that TF_PLUGIN_DIR names), and the extra
    modelyard[rehearsal], which brings the mock AWS.
    """
    from modelyard.cli.terminal import Progress

    if day and level is not RehearsalLevel.SYNC:
        raise UserError("--day2 needs what a sync has made", fix="add --level sync")
    if without and (level is not RehearsalLevel.SYNC or day):
        raise UserError("--without needs a sync, and goes through no day", fix="add --level sync, without --day2")
    require_folder(path)
    _end_with_the_terminal()
    from modelyard.cli import rehearsed
    from modelyard.rehearsal import ABSENCES, rehearse

    if without and without not in ABSENCES:
        raise UserError(f"--without {without} is not known", fix=f"choose {' or '.join(ABSENCES)}")
    with Progress(quiet=quiet) as progress:
        made = rehearse(
            path,
            environment or _only_environment(path),
            level,
            progress,
            float(timeout),
            day=day,
            without=ABSENCES.get(without),
        )
    if as_json:
        rehearsed.write_json(made, strict)
    else:
        rehearsed.write_text(made, strict)
    return made.report.exit_code(Severity.ERROR, strict)


def _only_environment(path: Path) -> str:
    from modelyard.repository import Repository

    names = list(Repository(path).environments)
    if len(names) == 1:
        return str(names[0])
    if not names:
        raise UserError(
            f"{path.resolve()} holds no environments",
            fix="run it in a GitOps repository, or make one with `modelyard new`",
        )
    raise UserError("there are several environments, and one can be rehearsed", fix=f"add --env {names[0]}")


def _end_with_the_terminal() -> None:
    """Clear up as well when the terminal is closed."""

    def end(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGHUP, end)
