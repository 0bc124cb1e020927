"""`modelyard graph`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelyard.cli.boundary import abandon_standard_output, verb
from modelyard.cli.choices import GraphFormat
from modelyard.cli.options import Plans, StrictlyChecked, environment_option
from modelyard.findings import ExitCode, UserError
from modelyard.wording import near_words

if TYPE_CHECKING:
    from modelyard.graph import Edge
    from modelyard.view import Environment


@verb
def command(
    subject: Annotated[
        str | None,
        typer.Argument(
            metavar="[OBJECT]", help="Show what is around this object only: a name, KIND/NAME or KIND/NAMESPACE/NAME."
        ),
    ] = None,
    path: Annotated[
        Path | None, typer.Argument(help="The GitOps repository.", show_default="the current folder")
    ] = None,
    environment: Annotated[
        list[str] | None,
        environment_option("This environment only; may be repeated."),
    ] = None,
    format: Annotated[GraphFormat, typer.Option("--format", "-f", help="How it is drawn.")] = GraphFormat.TEXT,
    depth: Annotated[
        int, typer.Option("--depth", min=1, max=9, metavar="N", help="How many steps around the object.")
    ] = 1,
    broken: Annotated[
        bool, typer.Option("--broken", help="Only what leads nowhere, to several, or is hidden by another.")
    ] = False,
    plan: Plans = None,
    strict: StrictlyChecked = False,
) -> int:
    """Show references between objects: selectors, claims, mounts, routes, roles and Terraform resources, with lines.

    A lone argument that is a folder is the repository.
    """
    if path is None and subject is not None and Path(subject).is_dir():
        path, subject = Path(subject), None
    from modelyard.cli.graphs import DRAWN, gap_lines
    from modelyard.cli.outputs import to_standard_output
    from modelyard.cli.terminal import show
    from modelyard.cli.views import views

    _, found, gaps = views(path or Path(), environment or [], plan or [])
    drawn = [(view, _chosen(view, subject, depth, broken=broken)) for view in found]
    if subject is not None and not any(edges for _, edges in drawn) and not broken:
        raise _unknown(subject, found)
    try:
        to_standard_output(DRAWN[format](drawn, gaps), format)
        if format == "text":
            show(gap_lines(gaps))
    except BrokenPipeError:
        abandon_standard_output()
    return ExitCode.NOT_CHECKED if strict and gaps else ExitCode.CLEAN


def _chosen(view: Environment, subject: str | None, depth: int, *, broken: bool) -> list[Edge]:
    from modelyard.graph import graph

    whole = graph(view)
    edges = list(whole.edges)
    if subject is not None:
        reached = {node for node in whole.nodes if node.is_called(subject)}
        around: dict[Edge, None] = {}
        for _ in range(depth):
            for node in sorted(reached):
                around.update(dict.fromkeys((*whole.out_of(node), *whole.into(node))))
            for edge in around:
                reached.update((edge.source.node.whole, *edge.reached))
        edges = list(around)
    return [edge for edge in edges if edge.is_broken] if broken else edges


def _unknown(subject: str, views: Sequence[Environment]) -> UserError:
    from modelyard.graph import graph

    names = {node.name for view in views for node in graph(view).nodes}
    near = near_words(subject.rpartition("/")[2], names, most=3)
    return UserError(
        f"nothing is called {subject}",
        fix=f"did you mean {' or '.join(near)}" if near else "give a name, KIND/NAME or KIND/NAMESPACE/NAME",
    )
