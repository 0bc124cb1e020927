"""Write a synthetic GitOps repository of any size, to measure with: like models in like environments.

    python scripts/make_fleet.py /tmp/fleet --deployments 1000 --per-environment 50

What is alike is still rendered, checked and placed each for itself: nothing here is a copy to the checker.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests import repositories

MODELS_PER_ENVIRONMENT = 50


def main(words: list[str]) -> int:
    """Write the repository; return 2 where something is in its place."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--deployments", type=int, default=400)
    parser.add_argument("--per-environment", type=int, default=MODELS_PER_ENVIRONMENT)
    asked = parser.parse_args(words)
    if asked.folder.exists():
        print(f"{asked.folder} is there already; name a folder that does not exist", file=sys.stderr)
        return 2
    if asked.deployments < 1 or asked.per_environment < 1:
        print("a fleet has at least one deployment, and an environment one", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="modelyard-fleet-") as scratch:
        base = repositories.make("one-model", Path(scratch) / "base", gpu_limit=10_000)
        grown(base, asked.folder.absolute(), asked.deployments, asked.per_environment)
    environments = -(-asked.deployments // asked.per_environment)
    print(f"{asked.folder}: {asked.deployments} deployments in {environments} environments")
    return 0


def grown(base: Path, root: Path, size: int, per_environment: int = MODELS_PER_ENVIRONMENT) -> Path:
    """Copy the base repository and give it `size` models, each a copy of `chat`, so many an environment.

    Args:
        base: Repository `one-model` of `tests/repositories`.
        root: Folder to write; it must not exist.
        size: Deployments altogether.
        per_environment: Deployments of one environment.
    """
    shutil.copytree(base, root, symlinks=True)
    template = root / "environments/dev"
    for number in range(size):
        index, position = divmod(number, per_environment)
        environment = root / f"environments/env{index}"
        if position == 0:
            shutil.copytree(template, environment)
            for path in (*environment.rglob("*.yaml"), environment / "backend.hcl"):
                path.write_text(path.read_text().replace("environments/dev", f"environments/env{index}"))
            for name in ("environment.yaml", ".copier-answers.yml"):
                stated = environment / name
                stated.write_text(stated.read_text().replace("name: dev\n", f"name: env{index}\n", 1))
            shutil.rmtree(environment / "models/chat")
            (environment / "applications/chat.yaml").unlink()
            listed = environment / "kustomization.yaml"
            listed.write_text(listed.read_text().replace("  - applications/chat.yaml\n", ""))
        _add_model(template, environment, f"chat-{number}")
    shutil.rmtree(template)
    return root


def _add_model(template: Path, environment: Path, name: str) -> None:
    folder = environment / "models" / name
    folder.mkdir(parents=True)
    text = (template / "models/chat/kustomization.yaml").read_text()
    (folder / "kustomization.yaml").write_text(
        text.replace("value: chat", f"value: {name}").replace("instance: chat", f"instance: {name}")
    )
    stub = (template / "applications/chat.yaml").read_text()
    stub = stub.replace("environments/dev", f"environments/{environment.name}").replace("models/chat", f"models/{name}")
    (environment / f"applications/{name}.yaml").write_text(stub.replace("name: chat", f"name: {name}"))
    listed = environment / "kustomization.yaml"
    listed.write_text(listed.read_text().replace("patches:\n", f"  - applications/{name}.yaml\npatches:\n", 1))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
