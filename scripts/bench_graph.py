"""Measure the graph of an environment against rendering it, as a ratio within one run.

Rendering is the library renderer's whole work: building, validating, decoding. The graph is made of what it rendered,
one pass and every reference followed. Exit code 1 when the graph costs more than a quarter of rendering 1,000
deployments, or grows faster than they do.

    python scripts/bench_graph.py [deployments ...]
"""

from __future__ import annotations

import gc
import statistics
import sys
import tempfile
import time
from pathlib import Path

from modelyard.checking import CheckOptions
from modelyard.checking.environments import environments
from modelyard.graph import graph
from modelyard.repository import Repository
from modelyard.view import Environment

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests import repositories

RATIO_TARGET = 0.25
LINEAR_WITHIN = 0.5
ROUNDS = 3


def main(sizes: list[int]) -> int:
    """Print a row for each size; return 1 when a target is missed."""
    print(f"{'deployments':>11}  {'edges':>7}  {'render s':>8}  {'graph s':>7}  {'graph/render':>12}  {'µs/edge':>7}")
    # As the command line does: else every few thousand objects all that are kept would be looked through again.
    gc.set_threshold(50_000, 20, 20)
    missed, each = False, []
    with tempfile.TemporaryDirectory(prefix="modelyard-bench-") as folder:
        base = repositories.make("one-model", Path(folder) / "base", gpu_limit=10_000)
        for size in sizes:
            _grow(base, size)
            render, made, edges = _measured(base)
            ratio, cost = made / render, made / edges * 1e6
            each.append(cost)
            print(f"{size:>11}  {edges:>7}  {render:>8.2f}  {made:>7.2f}  {ratio:>12.3f}  {cost:>7.1f}", flush=True)
            missed |= size >= 1000 and ratio > RATIO_TARGET
    grown = each[-1] / each[0] - 1
    print(f"an edge costs {grown:+.0%} at {sizes[-1]} deployments against {sizes[0]}; at most {LINEAR_WITHIN:+.0%}")
    return int(missed or grown > LINEAR_WITHIN)


def _measured(root: Path) -> tuple[float, float, int]:
    """Return seconds of rendering, seconds of the graph (medians), and how many edges it has."""
    renders, graphs, edges = [], [], 0
    for _ in range(ROUNDS):
        started = time.perf_counter()
        (view,) = _views(root)
        renders.append(time.perf_counter() - started)
        _ = (view.terraform, view.pools, view.chart_values)  # what rules have read by then
        started = time.perf_counter()
        edges = len(graph(view).edges)
        graphs.append(time.perf_counter() - started)
    return statistics.median(renders), statistics.median(graphs), edges


def _views(root: Path) -> tuple[Environment, ...]:
    return environments(Repository(root), CheckOptions(use_cache=False)).views


def _grow(root: Path, size: int) -> None:
    """Give the environment `size` models beside its first, each a copy of it."""
    environment = root / "environments/dev"
    model = (environment / "models/chat/kustomization.yaml").read_text()
    stub = (environment / "applications/chat.yaml").read_text()
    listed = environment / "kustomization.yaml"
    lines = listed.read_text()
    for number in range(size):
        name = f"chat-{number}"
        folder = environment / "models" / name
        if folder.exists():
            continue
        folder.mkdir()
        text = model.replace("value: chat", f"value: {name}").replace("instance: chat", f"instance: {name}")
        (folder / "kustomization.yaml").write_text(text)
        (environment / f"applications/{name}.yaml").write_text(
            stub.replace("models/chat", f"models/{name}").replace("name: chat", f"name: {name}")
        )
        lines = lines.replace("patches:\n", f"  - applications/{name}.yaml\npatches:\n", 1)
    listed.write_text(lines)


if __name__ == "__main__":
    raise SystemExit(main([int(word) for word in sys.argv[1:]] or [100, 300, 1000]))
