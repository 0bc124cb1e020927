"""Write what the real Karpenter says to the random clusters of tests/placement, so that tests need no Go.

Every case is asked 50 times, and those that Karpenter decides by chance 200 times; every answer is kept.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[1]


def main() -> None:
    """Ask Karpenter and write the record."""
    sys.path.insert(0, str(PROJECT))
    from tests.placement import clusters, comparison, karpenter, ours, test_truth

    found: list[dict[str, Any]] = test_truth.verdicts(test_truth.SEEDS, runs=50)
    for seed, case in enumerate(found):
        answer = ours.answer(clusters.kinds(), clusters.REGION, clusters.case(seed))
        asked = {**clusters.case(seed), "runs": test_truth.CHANCE, "describe": False}
        mine = json.loads(json.dumps(comparison.nodes_of_ours(answer)))
        if len(case["left"]) == 1 and len(case["nodes"]) == 1 and mine in case["nodes"]:
            continue
        runs = karpenter.ask(clusters.kinds(), clusters.REGION, [asked])[0]["runs"]
        left = sorted({*map(comparison.left_by_karpenter, runs)})
        nodes = sorted({*map(comparison.nodes_of_karpenter, runs)})
        case["left"], case["nodes"] = json.loads(json.dumps(left)), json.loads(json.dumps(nodes))
    lines = ",\n".join(json.dumps(case, sort_keys=True, separators=(",", ":")) for case in found)
    source = (
        "github.com/aws/karpenter-provider-aws v1.14.1 over sigs.k8s.io/karpenter v1.14.1, by tools/placement-truth"
    )
    text = f'{{"source":{json.dumps(source)},"cases":[\n{lines}\n]}}\n'
    test_truth.RECORD.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
