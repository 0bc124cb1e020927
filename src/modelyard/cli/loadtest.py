"""`modelyard loadtest`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelyard.cli.boundary import verb
from modelyard.findings import ExitCode, UserError

if TYPE_CHECKING:
    from modelyard.loadtests import LoadReport, Objective

_OBJECTIVE = re.compile(r"(ttft|inter-token|latency)-p(50|95|99)=([0-9]+(?:\.[0-9]+)?)(ms|s)")
_FORMATS = ("text", "json", "markdown")
_TITLES = {"ttft": "time to the first token", "inter-token": "time between tokens", "latency": "time of a request"}


def application() -> typer.Typer:
    """Return the verb with its own verbs."""
    app = typer.Typer(help="Read the results of load tests.", no_args_is_help=True, rich_markup_mode=None)
    app.callback()(_loadtest)
    app.command("report")(report)
    return app


def _loadtest() -> None:
    """Read the results of load tests."""


@verb
def report(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILES...",
            help="Results with samples, one of each client: `vllm bench serve --save-detailed`, AIPerf's "
            "profile_export.jsonl, `k6 run --out json=FILE`.",
        ),
    ],
    clients: Annotated[
        int | None,
        typer.Option("--clients", metavar="N", min=1, help="How many clients ran.", show_default="one for each file"),
    ] = None,
    objective: Annotated[
        list[str] | None,
        typer.Option(
            "--objective",
            metavar="METRIC-PN=TIME",
            help="Most that a percentile may be, such as ttft-p95=500ms, inter-token-p99=0.1s, latency-p50=20ms; "
            "may be repeated.",
        ),
    ] = None,
    format: Annotated[str, typer.Option("--format", metavar="FORMAT", help="text, json or markdown.")] = "text",
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write it as one HTML page with curves too."),
    ] = None,
) -> int:
    """Merge the results of all clients of a load test into percentiles, throughput and errors.

    Percentiles are of all samples together. With --output FILE.html the distribution of each time is drawn, with the
    objectives on it; the page needs no network. Exit code 1 when an objective is missed, 3 when a client or a sample is
    missing.
    """
    from modelyard.loadtests import UnreadableResult, client_result, merged
    from modelyard.reporting import json_text

    wanted = tuple(_objective(each) for each in objective or ())
    chosen = "json" if as_json else format
    if chosen not in _FORMATS:
        raise UserError(f"there is no format {chosen}", fix=f"name one of {', '.join(_FORMATS)}")
    if output is not None and output.suffix.lower() not in (".html", ".htm"):
        raise UserError(
            f"--output {output} is no HTML file",
            fix="name one that ends in .html; --format writes the others to standard output",
        )
    found, left_out = [], []
    for file in files:
        try:
            found.append(client_result(str(file), _text(file)))
        except UnreadableResult as problem:
            left_out.append((str(file), str(problem)))
    if not found:
        raise UserError(
            f"no file holds samples; {left_out[0][0]}: {left_out[0][1]}", fix="name the result file of each client"
        )
    try:
        made = merged(found, expected=clients, left_out=left_out, objectives=wanted)
    except ValueError as problem:
        raise UserError(str(problem), fix="name the files of one load test") from None
    if output is not None:
        from modelyard.cli.outputs import to_file
        from modelyard.htmlreport import load_test_document

        to_file(output, load_test_document(made).encode())
    if chosen == "json":
        sys.stdout.write(json_text(made.content()))
    else:
        sys.stdout.writelines(f"{line}\n" for line in (_markdown if chosen == "markdown" else _plain)(made))
    if any(each.met is False for each in made.objectives):
        return ExitCode.FINDINGS
    unmeasured = any(each.met is None for each in made.objectives)
    return ExitCode.CLEAN if made.complete and not unmeasured else ExitCode.NOT_CHECKED


def _text(file: Path) -> str:
    from modelyard.loadtests.clients import MOST_BYTES, UnreadableResult
    from modelyard.repository.limits import UnreadableFile, content_of

    try:
        return content_of(file, "it", most=MOST_BYTES, pipes=True).decode("utf-8")
    except UnicodeDecodeError:
        raise UnreadableResult("it is not text in UTF-8") from None
    except UnreadableFile as error:
        raise UnreadableResult(error.message) from None


def _objective(text: str) -> Objective:
    from modelyard.loadtests import Objective

    match = _OBJECTIVE.fullmatch(text)
    if match is None:
        raise UserError(f"--objective {text} is none", fix="write METRIC-PN=TIME, such as ttft-p95=500ms")
    metric, at, amount, unit = match.groups()
    return Objective(metric, int(at), float(amount) / (1000 if unit == "ms" else 1))


def _rows(report: LoadReport) -> Iterator[tuple[str, ...]]:
    yield ("ms", "samples", "P50", "P95", "P99")
    for name, each in report.percentiles.items():
        title = _TITLES[name] + (", mean of each request" if name == "inter-token" and not report.per_token else "")
        yield (title, str(each.samples), *(f"{value * 1000:.1f}" for value in (each.p50, each.p95, each.p99)))


def _sentences(report: LoadReport) -> Iterator[str]:
    from modelyard.reporting import visible

    total = report.requests + report.failed
    of = "" if report.expected is None else f" of {report.expected}"
    tokens = "" if report.tokens_per_second is None else f", {report.tokens_per_second:.1f} output tokens/s"
    model = f" on {visible(report.model)}" if report.model else ""
    yield f"{report.tool}{model}: {report.clients}{of} clients, {total} requests"
    ratio = report.failed / total if total else 0.0
    yield f"{report.requests_per_second:.2f} requests/s{tokens}, {report.failed} failed ({ratio:.2%})"


def _remarks(report: LoadReport) -> Iterator[str]:
    from modelyard.reporting import visible

    for each in report.objectives:
        name = f"{_TITLES[each.metric]} P{each.percentile} at most {each.seconds * 1000:g} ms"
        if each.measured is None:
            yield f"not checked: {name}: nothing measured it"
        else:
            yield f"{'met' if each.met else 'missed'}: {name}: {each.measured * 1000:.1f} ms"
    if report.expected is not None and report.clients < report.expected:
        lost = report.expected - report.clients
        yield f"not checked: {lost} of {report.expected} clients gave no result: the load was smaller than asked for"
    for file in report.truncated:
        yield f"not checked: {visible(file)} is cut off; its whole lines are counted"
    for file, reason in report.left_out:
        yield f"not checked: {visible(file)}: {visible(reason)}"


def _plain(report: LoadReport) -> Iterator[str]:
    yield from _sentences(report)
    rows = list(_rows(report))
    first = max(len(row[0]) for row in rows)
    for row in rows:
        yield f"{row[0]:<{first}}" + "".join(f"{cell:>10}" for cell in row[1:])
    yield from _remarks(report)


def _markdown(report: LoadReport) -> Iterator[str]:
    yield from (f"{line}  " for line in _sentences(report))
    yield ""
    for number, row in enumerate(_rows(report)):
        yield f"| {' | '.join(row)} |"
        if number == 0:
            yield "|---|" + "---:|" * (len(row) - 1)
    yield ""
    yield from (f"- {line}" for line in _remarks(report))
