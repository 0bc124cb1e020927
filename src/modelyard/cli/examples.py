"""The example at the end of each verb's help; a test parses every one, and no verb is without."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[str, ...]] = {
    "new": ("new my-platform", "new my-platform --answers answers.yaml --defaults"),
    "check": ("check", "check --env prod --strict --format text --format sarif=check.sarif"),
    "report": ("report -o report.html", "report --since origin/main -o pull-request.html"),
    "report merge": ("report merge reports/*.json", "report merge part-*.json --strict --format sarif=check.sarif"),
    "diff": ("diff main...HEAD --findings", "diff HEAD --env dev"),
    "drift": ("drift prod=applications.json", "drift clusters/*.json --merged origin/main --json"),
    "rehearse": ("rehearse --env dev --level sync",),
    "fit": ("fit --env dev", "fit --model qwen3-8b"),
    "place": ("place --env dev",),
    "graph": ("graph qwen3-8b --depth 2", "graph --broken"),
    "times": ("times --model qwen3-8b",),
    "cost": ("cost --env prod --sources",),
    "plan": (
        "plan qwen3-8b --env prod --ttft 1.2s --itl 45ms --rate 6 --prompt 1500 --output 300",
        "plan qwen3-8b --env prod --apply 2 --dry-run",
        "plan qwen3-8b --env prod --from-bench low.json --from-bench high.json --device L40S",
    ),
    "tune": ("tune qwen3-8b --env prod",),
    "loadtest report": (
        "loadtest report client-*.json --objective ttft-p95=500ms",
        "loadtest report client-*.json --output load-test.html",
    ),
    "model list": ("model list --env dev",),
    "model add": ("model add Qwen/Qwen3-8B --env dev --dry-run", "model add Qwen/Qwen3-8B --feature scale-on-queue"),
    "model set": ("model set qwen3-8b replicas=2 max-model-len=16384", "model set qwen3-8b --unset max-model-len"),
    "model rename": ("model rename qwen3-8b chat --env dev",),
    "model remove": ("model remove qwen3-8b --env dev",),
    "feature on": ("feature on qwen3-8b scale-on-queue --env dev",),
    "feature off": ("feature off qwen3-8b scale-on-queue --env dev",),
    "env list": ("env list",),
    "env add": ("env add prod --data account_id=444455556666",),
    "env remove": ("env remove dev --dry-run",),
    "env sync": ("env sync dev --dry-run",),
    "promote": ("promote dev prod --dry-run", "promote dev prod --model qwen3-8b"),
    "import": (
        "import deployment.yaml --env dev --dry-run",
        "import values.yaml --only chat --fields",
        "import nim.yaml --model Qwen/Qwen3-8B",
    ),
    "lsp": ("lsp",),
    "explain": ("explain fit/kv-cache-too-small", "explain fit"),
    "update": ("update --dry-run", "update --env dev --set gpu_multinode_pool=true"),
    "fetch": ("fetch --env dev",),
    "cache info": ("cache info",),
    "cache prune": ("cache prune --older-than 7",),
    "doctor": ("doctor",),
    "catalog show": ("catalog show Qwen/Qwen3-8B", "catalog show g6.xlarge --region eu-central-1"),
    "catalog add": ("catalog add acme/chat-7b --config config.json",),
    "tools install": ("tools install", "tools install kubeconform"),
    "version": ("version",),
}
"""By verb, without `modelyard`."""


def shown(verb: str) -> str:
    """Return the examples of a verb as lines for the end of its help; empty for a verb with verbs of its own."""
    found = EXAMPLES.get(verb, ())
    if not found:
        return ""
    lines = "\n".join(f"  modelyard {each}" for each in found)
    # The backspace keeps typer from flowing the lines into one paragraph.
    return f"\b\nExample{'s' if len(found) > 1 else ''}:\n{lines}"
