"""Write the example pull requests of docs/comments: real edits of the demo's repository, and the comment on each.

Usage: python scripts/comments.py [--check] [NAME ...]

With --check nothing is written; it exits with 1 when a page differs from what the commands write today, names of
commits aside.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
PAGES = PROJECT / "docs" / "comments"
MODELYARD = Path(sys.executable).with_name("modelyard")

_KARPENTER = "environments/dev/platform/karpenter/kustomization.yaml"
_VERSIONS = "environments/dev/versions/kustomization.yaml"
_QWEN = "environments/dev/models/qwen3-1-7b/kustomization.yaml"
_COMMIT = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "-a"]

COMMAND = "diff base...change --findings --format markdown"


@dataclass(frozen=True)
class PullRequest:
    """One example.

    Attributes:
        title: Title of the page.
        why: What its author wants.
        edits: File, old text and new text.
        commands: Verbs of `modelyard` that make it, without their program.
        earlier: Edits of the base, before the pull request.
    """

    title: str
    why: str
    edits: tuple[tuple[str, str, str], ...] = ()
    commands: tuple[str, ...] = ()
    earlier: tuple[tuple[str, str, str], ...] = ()


EXAMPLES = {
    "raise-the-context": PullRequest(
        "Raise the context length of a model",
        "Requests of 32,768 tokens instead of 16,384.",
        edits=(("overlays/qwen3-1-7b-vllm-gpu/vllm.yaml", "max-model-len: 16384", "max-model-len: 32768"),),
    ),
    "add-a-model": PullRequest(
        "Add a model",
        "Qwen3-8B beside the three models that are there.",
        commands=("model add Qwen/Qwen3-8B --env dev --defaults",),
    ),
    "lower-a-limit": PullRequest(
        "Lower the limit of the GPU pool",
        "Save money by allowing one GPU at a time.",
        edits=((_KARPENTER, 'nvidia.com/gpu: "16"', 'nvidia.com/gpu: "1"'),),
    ),
    "upgrade-vllm": PullRequest(
        "Upgrade vLLM",
        "From 0.26.0 to 0.33.0, for all models of the environment.",
        edits=((_VERSIONS, "newTag: v0.26.0", "newTag: v0.33.0"),),
        earlier=((_VERSIONS, "newTag: v0.33.0", "newTag: v0.26.0"),),
    ),
    "change-a-selector": PullRequest(
        "Change the labels of a model, and remove another",
        "A label for the team that owns `qwen3-1-7b`; DeepSeek R1 is not used any more.",
        edits=((_QWEN, "instance: qwen3-1-7b}", "instance: qwen3-1-7b, team: chat}"),),
        commands=("model remove deepseek-r1-distill-llama-8b --env dev",),
    ),
}


def main() -> int:
    """Write or compare; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page is not current")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"pages; all of {', '.join(EXAMPLES)} when none")
    arguments = parser.parse_args()
    stale = []
    with tempfile.TemporaryDirectory() as folder:
        root = demo(Path(folder) / "my-platform")
        pages = {f"{name}.md": page(root, EXAMPLES[name]) for name in arguments.names or EXAMPLES}
    if not arguments.names:
        pages["README.md"] = index()
    PAGES.mkdir(exist_ok=True)
    for name, text in pages.items():
        file = PAGES / name
        if not arguments.check:
            file.write_text(text)
        elif not file.is_file() or file.read_text() != text:
            stale.append(file.relative_to(PROJECT))
    for file in stale:
        print(f"{file} is not what the commands write today: run `python scripts/comments.py`", file=sys.stderr)
    return 1 if stale else 0


def demo(root: Path) -> Path:
    """Write the demo's repository and return its folder."""
    answers = ["--template", str(PROJECT), "--ref", "HEAD", "--answers", "scripts/demo.yaml", "--defaults"]
    _run([str(MODELYARD), "new", str(root), *answers], PROJECT)
    _run(["git", "branch", "-M", "main"], root)
    return root


def page(root: Path, example: PullRequest) -> str:
    """Return the page of one example.

    Args:
        root: The demo's repository, on its branch `main`; it is there again afterwards.
        example: The pull request.
    """
    _run(["git", "switch", "-q", "-c", "base"], root)
    _edit(root, example.earlier)
    _run([*_COMMIT, "--allow-empty", "-m", "base"], root)
    _run(["git", "switch", "-q", "-c", "change"], root)
    _edit(root, example.edits)
    edited = _run(["git", "diff", "-U0", "--no-prefix"], root)
    for command in example.commands:
        _run([str(MODELYARD), *command.split()], root)
    _run(["git", "add", "-A"], root)
    _run([*_COMMIT, "-m", example.title], root)
    done = _done([str(MODELYARD), *COMMAND.split()], root)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{COMMAND} failed:\n{done.stderr}")
    _run(["git", "switch", "-q", "main"], root)
    _run(["git", "branch", "-q", "-D", "base", "change"], root)
    return _text(example, edited, done.stdout, done.returncode)


def index() -> str:
    """Return the page that lists the examples."""
    rows = "".join(f"| [{each.title}]({name}.md) | {each.why} |\n" for name, each in EXAMPLES.items())
    return (
        "# Comments on pull requests\n\n"
        f"What `modelyard {COMMAND}` writes for five changes of the repository\n"
        "that `make demo` makes. The workflow of a generated repository posts it on the pull request and renews it\n"
        "with every push. `scripts/comments.py` makes the changes and writes these pages.\n\n"
        f"| pull request | why |\n|---|---|\n{rows}"
    )


def _text(example: PullRequest, edited: str, comment: str, code: int) -> str:
    steps = "".join(f"$ modelyard {command}\n" for command in example.commands)
    shown = [line for line in edited.splitlines() if re.match(r"[+-]", line) and not line.startswith("--- ")]
    parts = [f"# {example.title}\n\n{example.why}\n"]
    if shown:
        parts.append("\n```diff\n" + "".join(f"{line}\n" for line in shown) + "```\n")
    if steps:
        parts.append(f"\n```console\n{steps}```\n")
    parts.append(f"\n`modelyard {COMMAND}` exits with {code} and writes:\n\n---\n\n{comment}")
    return "".join(parts)


def _edit(root: Path, edits: tuple[tuple[str, str, str], ...]) -> None:
    for path, old, new in edits:
        text = (root / path).read_text()
        if old not in text:
            raise SystemExit(f"{path} does not hold {old!r}: adapt the example")
        (root / path).write_text(text.replace(old, new))


def _run(command: list[str], folder: Path) -> str:
    done = _done(command, folder)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _done(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "110", "NO_COLOR": "1", "PYTHONUTF8": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    sys.exit(main())
