"""Run Renovate's own program on a generated repository, and compare what it extracts with what is pinned there.

Usage: python scripts/renovate_real.py FOLDER [--write]

Run by `make renovate-real`, which installs Renovate and the Node.js that it asks for from npm into `build/renovate`.
Extraction needs no network and no token: Renovate reads the working tree (`--platform=local --dry-run=extract`) and
looks nothing up. `--write` writes the page in `docs/`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from modelyard.scaffolding import new_repository

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "renovate.md"
ENVIRONMENT = "gateway"
SECONDS = 300
PAGE_TEXT = """# What Renovate finds

A generated repository brings `.github/renovate.json`. `make renovate-real` lets Renovate's own program validate it, and
extract (`--platform=local --dry-run=extract`, Renovate {version}) from a repository with the answers of the environment
`{environment}` of [the rehearsals](rehearsals.md) and with images of its own. What is pinned there is read a second
time without Renovate; the target fails when Renovate lacks one. No update is looked up: that needs the network.

| manager | pinned | found | missing |
|---|---:|---:|---|
{rows}

Images and charts as Renovate sees them:

```
{names}
```

Not Renovate's: what the template owns (`bases/`, `overlays/`, `terraform/modules/`), which `modelyard update` brings,
pins of node images among it, and the list of packages of `images/mlserver`, which is resolved as a whole.
"""

Pins = Mapping[str, Counter[str]]
"""What is pinned, by Renovate's name of the manager that should find it: names, each with how often."""


def main() -> int:
    """Print a table of managers; return 1 when a pin was not found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where Renovate is installed")
    parser.add_argument("--write", action="store_true", help="write the page in docs/")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        repository = Path(temporary) / "platform"
        generate(repository)
        programs = (options.folder / "node_modules" / ".bin").absolute()
        run([programs / "renovate-config-validator", "--strict", ".github/renovate.json"], repository, programs)
        told = run([programs / "renovate", "--platform=local", "--dry-run=extract"], repository, programs)
        extracted, wanted = found(told), pinned(repository)
    version = json.loads((options.folder / "node_modules/renovate/package.json").read_text())["version"]
    lacking = {manager: wanted[manager] - extracted.get(manager, Counter()) for manager in wanted}
    text = page(version, wanted, extracted, lacking)
    print(text)
    if options.write:
        PAGE.write_text(text)
    for manager, names in lacking.items():
        for name in names:
            print(f"{manager} does not find {name}", file=sys.stderr)
    return int(any(lacking.values()))


def generate(repository: Path) -> None:
    """Write the repository of the environment that has the most charts, with images of its own."""
    answers = yaml.safe_load((ROOT / "scripts" / "rehearsal_environments.yaml").read_text())[ENVIRONMENT]["answers"]
    given = {"repository_url": "https://github.com/acme/platform.git", "account_id": "111122223333", **answers}
    given |= {"environment_name": ENVIRONMENT, "build_images": True, "rehearse_in_ci": True}
    new_repository(
        repository,
        environment=ENVIRONMENT,
        template=str(ROOT),
        data={name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in given.items()},
        interactive=False,
    )


def run(words: list[Any], folder: Path, programs: Path) -> str:
    """Return what a program prints; it asks nobody, and takes no settings of this machine."""
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": os.environ["HOME"],
        "LOG_LEVEL": "debug",
        "LOG_FORMAT": "json",
        "RENOVATE_CACHE_DIR": str(folder.parent / "cache"),
    }
    done = subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    if done.returncode:
        sys.exit(f"{words[0]} ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
    return done.stdout


def found(told: str) -> Pins:
    """Return what Renovate extracted."""
    lines = (json.loads(line) for line in told.splitlines() if line.startswith("{"))
    files = next(each["packageFiles"] for each in lines if each.get("msg") == "Extracted dependencies")
    return {
        manager: Counter(named(each) for file in entries for each in file["deps"]) for manager, entries in files.items()
    }


def named(dependency: Mapping[str, Any]) -> str:
    """Return a dependency as `pinned` names it: the name, then what it stands at where that is said."""
    value = dependency.get("currentDigest") or dependency.get("currentValue")
    name = dependency.get("depName") or dependency.get("packageName")
    return f"{name} {value}" if value else str(name)


def pinned(repository: Path) -> Pins:
    """Return what is pinned in a repository, read without Renovate."""
    return {
        "argocd": Counter(charts(repository)),
        "kustomize": Counter(images(repository)),
        "github-actions": Counter(
            f"{name} {digest}"
            for file in (repository / ".github/workflows").glob("*.yml")
            for name, digest in re.findall(r"uses: ([\w.-]+/[\w.-]+)[\w/.-]*@([0-9a-f]{40})", file.read_text())
        ),
        "pre-commit": Counter(
            f"{each['repo'].removeprefix('https://github.com/')} {each['rev']}"
            for each in yaml.safe_load((repository / ".pre-commit-config.yaml").read_text())["repos"]
            if each["repo"] != "local"
        ),
        "mise": Counter(
            f"{name} {version}"
            for name, version in tomllib.loads((repository / "mise.toml").read_text())["tools"].items()
        ),
        "terraform": Counter(
            f"{name} {version}"
            for name, version in re.findall(
                r'(\w+) *= *\{[^}]*version *= *"([^"]+)"', (repository / "terraform/versions.tf").read_text()
            )
        ),
        "dockerfile": Counter(
            name.replace(":", " ", 1)
            for file in (repository / "images").glob("*/Dockerfile")
            for name in re.findall(r"^ARG \w+=(\S+:\S+)", file.read_text(), re.M)
        ),
    }


def charts(repository: Path) -> Iterable[str]:
    """Yield the charts that Applications name, each with its version."""
    for file in (repository / f"environments/{ENVIRONMENT}/applications").glob("*.yaml"):
        for source in yaml.safe_load(file.read_text())["spec"].get("sources", ()):
            if "chart" in source:
                oci = "/" in source["repoURL"] and "://" not in source["repoURL"]
                yield f"{source['repoURL'] + '/' if oci else ''}{source['chart']} {source['targetRevision']}"
            elif "path" in source and "repoURL" in source:
                yield f"{source['repoURL']} {source['targetRevision']}"


def images(repository: Path) -> Iterable[str]:
    """Yield the images of `versions/`, each with its tag."""
    told = yaml.safe_load((repository / f"environments/{ENVIRONMENT}/versions/kustomization.yaml").read_text())
    return (f"{each.get('newName', each['name'])} {each['newTag']}" for each in told["images"])


def page(version: str, wanted: Pins, extracted: Pins, lacking: Pins) -> str:
    """Return the page in docs/."""
    rows = [
        f"| `{manager}` | {wanted[manager].total()} | {(wanted[manager] - lacking[manager]).total()} | "
        f"{', '.join(f'`{name}`' for name in sorted(lacking[manager])) or 'none'} |"
        for manager in wanted
    ]
    names = sorted({name for manager in ("argocd", "kustomize", "dockerfile") for name in extracted.get(manager, ())})
    return PAGE_TEXT.format(version=version, environment=ENVIRONMENT, rows="\n".join(rows), names="\n".join(names))


if __name__ == "__main__":
    sys.exit(main())
