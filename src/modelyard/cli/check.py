"""`modelyard check`."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelyard.cli.boundary import abandon_standard_output, verb
from modelyard.cli.choices import BackendName, FailOn
from modelyard.cli.options import (
    FailsOn,
    Jobs,
    NoCache,
    OutputFile,
    Plans,
    ReportFormats,
    RunsPolicies,
    StrictlyChecked,
    application_option,
    environment_option,
    require_folder,
)
from modelyard.findings import Severity, UserError

if TYPE_CHECKING:
    from modelyard.checking import Backend, CheckOptions
    from modelyard.reporting import Presentation

_SHOWN_OF_A_RULE = 10
_PIPED = "pipe YAML into it, at most some megabytes"
_SHARD = re.compile(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,5})")


@verb
def command(
    path: Annotated[
        Path,
        typer.Argument(
            help="The GitOps repository, a folder of one, or - for manifests on standard input.",
            show_default="the current folder",
        ),
    ] = Path(),
    environment: Annotated[
        list[str] | None,
        environment_option("Check this environment only; may be repeated."),
    ] = None,
    application: Annotated[
        list[str] | None,
        application_option("Report on this Application only; may be repeated."),
    ] = None,
    format: ReportFormats = None,
    output: OutputFile = None,
    fail_on: FailsOn = FailOn.ERROR,
    strict: StrictlyChecked = False,
    policies: RunsPolicies = None,
    no_cache: NoCache = False,
    kubernetes_version: Annotated[
        str | None,
        typer.Option("--kubernetes-version", metavar="VERSION", help="1.35 or 1.36, whatever the environments say."),
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option("--shard", metavar="I/N", help="Check the I-th of N parts, such as 2/8; for CI."),
    ] = None,
    backend: Annotated[
        BackendName | None,
        typer.Option("--backend", help="What renders.", show_default="library where it is installed"),
    ] = None,
    jobs: Jobs = None,
    plan: Plans = None,
    select: Annotated[
        list[str] | None,
        typer.Option("--select", metavar="RULE", help="Report this area or rule only; may be repeated."),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option("--ignore", metavar="RULE", help="Leave out this area or rule; may be repeated."),
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option("--baseline", metavar="FILE", help="Report what this file does not hold yet."),
    ] = None,
    write_baseline: Annotated[
        bool, typer.Option("--write-baseline", help="Write what is found into the baseline; what went is taken out.")
    ] = False,
    since: Annotated[
        str | None, typer.Option("--since", metavar="REV", help="Report what was not found at this revision of Git.")
    ] = None,
    fix: Annotated[
        bool, typer.Option("--fix", help="Mend what has one sure remedy: show it as a diff, try it out, and write it.")
    ] = False,
    unsafe: Annotated[
        bool, typer.Option("--unsafe", help="With --fix: remedies too that remove something, or change shared text.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="With --fix: show the diff; write nothing.")] = False,
    all: Annotated[bool, typer.Option("--all", help="Show every finding, however many there are of one kind.")] = False,
    fact: Annotated[
        list[str] | None,
        typer.Option(
            "--fact",
            metavar="NAME=VALUE",
            help="A fact that no environment.yaml tells, such as region=eu-central-1; may be repeated.",
        ),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Check again whenever a file changes, until Ctrl-C.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Findings and the last line only; no progress.")] = False,
) -> int:
    """Check that nothing in a GitOps repository stands in the way of its syncing, scheduling and starting."""
    from modelyard.cli.outputs import deliver, outputs
    from modelyard.cli.terminal import Progress

    wanted = outputs(format or (), output)
    least, part = fail_on.severity, _shard(shard)
    is_stream = str(path) == "-"
    if not is_stream:
        require_folder(path.parent if path.name.startswith("kustomization.") else path)

    from modelyard.checking import CheckOptions, check
    from modelyard.checking.scopes import streamed
    from modelyard.repository.limits import standard_input

    options = CheckOptions(
        environments=tuple(environment or ()),
        applications=tuple(application or ()),
        use_cache=not no_cache,
        policies=policies,
        shard=part,
        backend=None if backend is None else _backend(backend),
        jobs=jobs,
        kubernetes_version=kubernetes_version,
        plans=tuple(plan or ()),
        facts=_facts(fact or ()),
        select=_names(select),
        ignore=_names(ignore),
        baseline=None if write_baseline else baseline,
        since=since,
    )
    if watch and (write_baseline or fix or is_stream):
        other = "--write-baseline" if write_baseline else "--fix" if fix else "standard input"
        raise UserError(f"--watch does not go with {other}", fix="leave one of them out")
    if write_baseline:
        if baseline is None or is_stream:
            raise UserError("--write-baseline needs a file", fix="name it: --baseline FILE --write-baseline")
        return _write(path, options, baseline, quiet=quiet)
    if fix:
        if is_stream:
            raise UserError("--fix needs files to write", fix="name a folder")
        return _fix(path, options, unsafe=unsafe, dry_run=dry_run, quiet=quiet)

    def once() -> int:
        with streamed(standard_input(fix=_PIPED)) if is_stream else nullcontext(path) as folder:
            with Progress(quiet=quiet) as progress:
                report = check(folder, options, progress)
            code = report.exit_code(least, strict)
            try:
                deliver(report, wanted, presentation(report.root, least, strict=strict, quiet=quiet, fold=not all))
            except BrokenPipeError:
                # The reader left, but the verdict stands.
                abandon_standard_output()
        return code

    if watch:
        from modelyard.checking.scopes import opened
        from modelyard.cli.watching import watched

        return watched(opened(path).root, once)
    return once()


def _write(path: Path, options: CheckOptions, baseline: Path, *, quiet: bool) -> int:
    from modelyard.checking import check
    from modelyard.checking.baseline import write_baseline
    from modelyard.cli.terminal import Progress

    with Progress(quiet=quiet) as progress:
        report = check(path, options, progress)
    count = write_baseline(baseline, report.findings)
    typer.echo(f"{baseline}: {count:,} findings, which the check passes over from now on")
    typer.echo(f"  next: commit it, and check with --baseline {baseline}")
    return 0


def _fix(path: Path, options: CheckOptions, *, unsafe: bool, dry_run: bool, quiet: bool) -> int:
    from modelyard.checking.check import check_repository
    from modelyard.checking.scopes import opened
    from modelyard.cli.terminal import Progress
    from modelyard.editing.fixing import fixed
    from modelyard.reporting import visible
    from modelyard.wording import counted

    repository = opened(path)
    with Progress(quiet=quiet) as progress:
        report = check_repository(repository, options, progress)
        made = fixed(repository, report.findings, options, unsafe=unsafe)
    for line in made.changes.diff().split("\n")[:-1]:
        typer.echo(visible(line, longest=10_000))
    files = len(made.changes.files_changed)
    if not dry_run:
        made.changes.apply()
    ending = " (dry run: nothing is written)" if dry_run else ""
    typer.echo(f"{counted(len(made.mended), 'finding')} mended in {counted(files, 'file')}{ending}", err=dry_run)
    if made.unsafe:
        typer.echo(
            f"  {made.unsafe:,} more with --unsafe: they remove something, or change text that others share", err=True
        )
    for finding, why in made.left:
        typer.echo(f"  not mended: {visible(str(finding.at.place()))}: {finding.rule}: {visible(why)}", err=True)
    return 0 if made.mended or not report.findings else 1


def _names(given: Sequence[str] | None) -> tuple[str, ...]:
    """Return rules and areas, which may be separated by commas."""
    return tuple(name.strip() for each in given or () for name in each.split(",") if name.strip())


def _facts(given: Sequence[str]) -> tuple[tuple[str, str], ...]:
    found = []
    for each in given:
        name, separator, value = each.partition("=")
        if not separator or not name or not value:
            raise UserError(f"--fact {each} is not a fact", fix="write NAME=VALUE, such as region=eu-central-1")
        found.append((name, value))
    return tuple(found)


def presentation(root: Path, fail_on: Severity, *, strict: bool, quiet: bool, fold: bool = False) -> Presentation:
    """Return how a report is shown on standard output."""
    from modelyard.cli.terminal import look_of
    from modelyard.reporting import Presentation
    from modelyard.rules import rules

    look = look_of(sys.stdout)
    return Presentation(
        colour=look.colour,
        width=look.width,
        ascii=look.ascii,
        quiet=quiet,
        fail_on=fail_on,
        strict=strict,
        path_prefix=path_prefix(root),
        rules=rules(),
        fold=_SHOWN_OF_A_RULE if fold else None,
    )


def path_prefix(root: Path) -> str:
    """Return the path from the top of the Git checkout to `root`, with a slash at its end; empty at the top."""
    root = root.resolve()
    for folder in (root, *root.parents):
        if (folder / ".git").exists():
            relative = root.relative_to(folder).as_posix()
            return "" if relative == "." else f"{relative}/"
    return ""


def _shard(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    found = _SHARD.fullmatch(text)
    if found is None or int(found[1]) > int(found[2]):
        raise UserError(f"--shard {text} is not a part of a whole", fix="write I/N with 1 ≤ I ≤ N, such as 2/8")
    return int(found[1]), int(found[2])


def _backend(name: BackendName) -> Backend:
    return "library" if name is BackendName.LIBRARY else "processes"
