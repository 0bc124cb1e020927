"""The graph of objects as text, Mermaid, DOT and JSON."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from modelyard.findings import NotChecked
from modelyard.graph import Edge, ObjectRef, State
from modelyard.reporting import Line, json_text, visible
from modelyard.view import Environment

Drawn = Sequence[tuple[Environment, Sequence[Edge]]]
"""Each environment with the edges to show."""

FORMAT_VERSION = 1
_OPTIONAL = "absent and optional"
_MARKS: Mapping[str, str] = {
    _OPTIONAL: "-",
    State.DANGLING: "✗",
    State.AMBIGUOUS: "≠",
    State.SHADOWED: "~",
    State.UNKNOWN: "?",
}


def text(drawn: Drawn, gaps: Sequence[NotChecked]) -> str:
    """Return the edges as lines, below the object that says them, with the place of both ends."""
    lines = []
    for view, edges in drawn:
        counts = Counter(map(_state, edges))
        told = ", ".join(f"{counts[word]} {word}" for word in (*State, _OPTIONAL) if counts[word])
        lines.append(visible(f"{view}: {told or 'no such references'}"))
        last = None
        for edge in edges:
            whole = edge.source.node.whole
            if whole != last:
                lines.append(visible(str(whole)))
                last = whole
            lines.extend(f"  {visible(line)}" for line in _lines(edge))
        lines.append("")
    return "\n".join(lines)


def _state(edge: Edge) -> str:
    """Return the state in a word: what may be absent is not said to dangle, as `--broken` does not show it."""
    return _OPTIONAL if edge.state == State.DANGLING and not edge.is_broken else edge.state


def _lines(edge: Edge) -> list[str]:
    word = _state(edge)
    mark = f"{_MARKS[word]} " if word in _MARKS else ""
    reason = f" ({word}: {edge.reason})" if edge.reason else ""
    written = f"{mark}{edge.relation} {edge.wanted}{reason}  {_place(edge.source.at)}"
    if not edge.targets:
        return [written]
    return [
        written,
        *(f"    → {each.node}  {_place(each.at) or 'in every cluster'}" for each in edge.targets),
    ]


def _place(at: object) -> str:
    return str(at.place()) if at is not None else ""  # type: ignore[attr-defined]


def mermaid(drawn: Drawn, gaps: Sequence[NotChecked]) -> str:
    """Return the edges as a flowchart of Mermaid."""
    lines = ["flowchart LR"]
    for index, (view, edges) in enumerate(drawn):
        names = _names(edges, f"e{index}n")
        lines.append(f'  subgraph e{index}["{_label(view.name)}"]')
        lines.extend(f'    {name}["{_label(str(node))}"]' for node, name in names.items())
        lines.append("  end")
        for edge, target in _pairs(edges):
            arrow = "-->" if edge.state == State.RESOLVED else "-.->"
            lines.append(f'  {names[edge.source.node.whole]} {arrow}|"{_label(_said(edge))}"| {names[target]}')
    return "\n".join(lines) + "\n"


def dot(drawn: Drawn, gaps: Sequence[NotChecked]) -> str:
    """Return the edges as a digraph of Graphviz."""
    lines = ["digraph modelyard {", "  rankdir=LR;", "  node [shape=box];"]
    for index, (view, edges) in enumerate(drawn):
        names = _names(edges, f"e{index}n")
        lines.append(f"  subgraph cluster_{index} {{")
        lines.append(f"    label={_quoted(view.name)};")
        lines.extend(f"    {name} [label={_quoted(str(node))}];" for node, name in names.items())
        lines.append("  }")
        for edge, target in _pairs(edges):
            style = "" if edge.state == State.RESOLVED else ", style=dashed"
            source = names[edge.source.node.whole]
            lines.append(f"  {source} -> {names[target]} [label={_quoted(_said(edge))}{style}];")
    return "\n".join([*lines, "}"]) + "\n"


def json(drawn: Drawn, gaps: Sequence[NotChecked]) -> str:
    """Return the edges with everything that is known of them."""
    content = {
        "version": FORMAT_VERSION,
        "environments": [{"name": view.name, "edges": [_mapping(edge) for edge in edges]} for view, edges in drawn],
        "not-checked": [{"subject": str(gap.subject), "reason": gap.reason} for gap in gaps],
    }
    return json_text(content)


def _mapping(edge: Edge) -> dict[str, object]:
    return {
        "relation": edge.relation,
        "state": edge.state.value,
        "reason": edge.reason,
        "source": {**edge.source.node._asdict(), "at": _place(edge.source.at)},
        "wanted": edge.wanted._asdict(),
        "targets": [{**each.node._asdict(), "at": _place(each.at)} for each in edge.targets],
    }


def _said(edge: Edge) -> str:
    return edge.relation if edge.state == State.RESOLVED else f"{edge.relation} ({edge.state})"


def _pairs(edges: Sequence[Edge]) -> list[tuple[Edge, ObjectRef]]:
    """Return each edge with each object that it leads to, once however often it is said."""
    found: dict[tuple[ObjectRef, str, State, ObjectRef], Edge] = {}
    for edge in edges:
        for node in edge.reached:
            found.setdefault((edge.source.node.whole, edge.relation, edge.state, node), edge)
    return [(edge, key[3]) for key, edge in found.items()]


def _names(edges: Sequence[Edge], prefix: str) -> Mapping[ObjectRef, str]:
    nodes = dict.fromkeys(node for edge, target in _pairs(edges) for node in (edge.source.node.whole, target))
    return {node: f"{prefix}{number}" for number, node in enumerate(nodes)}


def _label(text: str) -> str:
    return re.sub(r"[\"<>|\[\]{}]", lambda found: f"#{ord(found[0])};", visible(text))


def _quoted(text: str) -> str:
    escaped = visible(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def gap_lines(gaps: Sequence[NotChecked]) -> list[Line]:
    """Return what could not be rendered, for the end of the text."""
    return [[("not checked: ", "gap"), (visible(f"{gap.subject} ({gap.reason})"), "plain")] for gap in gaps]


DRAWN: dict[str, Callable[[Drawn, Sequence[NotChecked]], str]] = {
    "text": text,
    "mermaid": mermaid,
    "dot": dot,
    "json": json,
}
