"""Kill every verb that writes before changes of the disk, and see that the next command finds the old or the new.

Each run is a process of its own, which is killed before the n-th file that it opens for writing, rename, removal,
folder or process that it starts; every other run takes the process that makes the renames along, as a machine that
stops does. Which n are tried follows from the seed. Afterwards the next command runs, and the whole tree is compared:
nothing may be left of the attempt, neither in the repository nor beside it.

    python scripts/kills.py [--kills 1000] [--seed 1] [--verb NAME ...]
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import io
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests import repositories
from tests.fetching.conftest import Server, serve
from tests.kills import in_a_process, kill_before

_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER: what a killed process leaves running is waited for here
_IDENTITY = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", f"core.hooksPath={os.devnull}")
_NOT_COMPARED = (".git", "state", "cache", "home")

QUESTIONS = """\
_subdirectory: "template/{{ scope }}"
_answers_file: "{% if scope == 'environment' %}environments/{{ environment_name }}/{% endif %}.copier-answers.yml"
_templates_suffix: .jinja
_exclude: [copier.yml]
scope: {type: str, choices: [repository, environment]}
repository_url: {type: str, default: "https://example.com/a/b", when: "{{ scope == 'repository' }}"}
environment_name: {type: str, default: dev, when: "{{ scope == 'environment' }}"}
"""
ANSWERS = "{{ _copier_answers | to_nice_yaml -}}\n"


@dataclass(frozen=True)
class Verb:
    """One verb that writes.

    Attributes:
        name: Its name in the table.
        words: Its command line, run in the folder `repository`.
        base: Makes the world that it runs in.
        again: The next command; the same one where only that clears what it left.
    """

    name: str
    words: tuple[str, ...]
    base: str = "models"
    again: tuple[str, ...] = ("env", "list")


VERBS = (
    Verb("model set", ("model", "set", "chat", "replicas=3", "--env", "dev", "--no-check")),
    Verb("model rename", ("model", "rename", "chat", "talk", "--env", "dev", "--no-check")),
    Verb("model remove", ("model", "remove", "chat", "--env", "dev", "--no-check")),
    Verb("env remove", ("env", "remove", "dev", "--yes")),
    Verb("catalog add", ("catalog", "add", "acme/chat-7b", "--config", "../config.json")),
    Verb("fetch", ("fetch",), base="charts", again=("fetch",)),
    Verb("env add", ("env", "add", "prod", "--defaults"), base="template"),
    Verb("update", ("update", "--defaults", "--no-check"), base="template", again=("update", "--dry-run")),
    Verb(
        "new", ("new", "../other", "--template", "../template", "--env", "dev", "--defaults"), base="template", again=()
    ),
)

CONFIG = """{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2,
"num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 100, "intermediate_size": 128,
"torch_dtype": "bfloat16", "max_position_embeddings": 128}"""


def main(kills: int, seed: int, names: Sequence[str]) -> int:
    """Kill the verbs and print a table; return 1 when one left something else than the old or the new."""
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    for name in [name for name in os.environ if name.startswith("GIT_") or name.lower().endswith("_proxy")]:
        del os.environ[name]
    chosen = [verb for verb in VERBS if not names or verb.name in names]
    faults: list[str] = []
    print(f"seed {seed}\n{'verb':<14}{'changes':>8}{'kills':>7}{'old':>6}{'new':>6}{'faults':>8}")
    total = 0
    with tempfile.TemporaryDirectory(prefix="modelyard-kills-") as scratch:
        worlds = Worlds(Path(scratch).resolve())
        for position, verb in enumerate(chosen):
            share = kills // len(chosen) + (position < kills % len(chosen))
            counts, changes, found = killed(verb, worlds, share, random.Random(f"{seed} {verb.name}"))  # noqa: S311
            faults += found
            total += share
            row = f"{verb.name:<14}{changes:>8}{share:>7}{counts['old']:>6}{counts['new']:>6}{len(found):>8}"
            print(row, flush=True)
    print(f"{total} kills, {len(faults)} faults", *faults, sep="\n")
    return int(bool(faults))


class Worlds:
    """Folders with a repository and what a verb needs beside it, each made once and copied for every run."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.server: Server | None = None

    def base(self, name: str) -> Path:
        """Return the folder that runs start from."""
        folder = self.scratch / f"base-{name}"
        if not folder.exists():
            folder.mkdir()
            {"models": self._models, "charts": self._charts, "template": self._template}[name](folder)
        return folder

    @contextlib.contextmanager
    def fresh(self, base: Path):  # type: ignore[no-untyped-def]
        """Copy a world to a place that is the same each time, since answers name the template's."""
        world = self.scratch / "world"
        shutil.copytree(base, world, symlinks=True)
        os.environ |= {f"MODELYARD_{part.upper()}_DIR": str(world / part) for part in ("cache", "state")}
        os.environ |= {"HOME": str(world / "home"), "TMPDIR": str(self.scratch / "tmp")}
        (self.scratch / "tmp").mkdir(exist_ok=True)
        (world / "home").mkdir(exist_ok=True)
        tempfile.tempdir = None
        try:
            yield world
        finally:
            shutil.rmtree(world)
            shutil.rmtree(self.scratch / "tmp", ignore_errors=True)

    def _models(self, folder: Path) -> None:
        repositories.make("one-model", folder / "repository")
        (folder / "config.json").write_text(CONFIG)
        _git(folder / "repository", "init", "-q", "-b", "main")

    def _charts(self, folder: Path) -> None:
        self.server, _ = serve()
        own = folder / "repository/environments/dev"
        own.mkdir(parents=True)
        self.server.put_chart("web", "1.0.0")
        (own / "web.yaml").write_text(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: web}\n"
            "spec:\n  sources:\n    - {path: a, ref: repository}\n"
            f'    - {{repoURL: "{self.server.url}", chart: web, targetRevision: 1.0.0}}\n'
        )
        (own / "kustomization.yaml").write_text("resources: [web.yaml]\n")

    def _template(self, folder: Path) -> None:
        """Make a template, and a repository of its first version; the paths are those of the copies."""
        world = self.scratch / "world"
        template = world / "template"
        for scope in ("repository", "environment"):
            (template / "template" / scope).mkdir(parents=True)
            (template / "template" / scope / "{{ _copier_conf.answers_file }}.jinja").write_text(ANSWERS)
        own = template / "template/environment/environments/{{ environment_name }}"
        own.mkdir(parents=True)
        (template / "copier.yml").write_text(QUESTIONS)
        _git(template, "init", "-q", "-b", "main")
        for version in ("first", "second"):
            (template / "template/repository/file.txt").write_text(f"{version}\n")
            (own / "kustomization.yaml").write_text(f"resources: []  # {version}\n")
            _git(template, "add", "-A")
            _git(template, "commit", "-q", "-m", version)
            _git(template, "tag", "v1.0.0" if version == "first" else "v2.0.0")
        words = ("new", "repository", "--template", "template", "--ref", "v1.0.0", "--env", "dev", "--defaults")
        os.environ |= {f"MODELYARD_{part.upper()}_DIR": str(world / part) for part in ("cache", "state")}
        if code := in_a_process(lambda: _command(words, world)):
            raise SystemExit(f"`modelyard {' '.join(words)}` ends with {code}")
        for entry in list(world.iterdir()):
            shutil.move(entry, folder / entry.name)
        world.rmdir()


def killed(verb: Verb, worlds: Worlds, kills: int, chance: random.Random) -> tuple[Counter[str], int, list[str]]:
    """Kill one verb so many times, and return how it ended, how many changes it makes, and what is wrong."""
    base = worlds.base(verb.base)
    again = verb.again or verb.words
    with worlds.fresh(base) as world:
        old = _snapshot(world)
        counted = world.parent / "counted"
        if code := in_a_process(lambda: _counting(verb.words, world, counted)):
            raise SystemExit(f"`modelyard {' '.join(verb.words)}` ends with {code}")
        changes = int(counted.read_text())
        new = _snapshot(world)
    points = chance.sample(range(1, changes + 1), min(kills, changes))
    points += [chance.randint(1, changes) for _ in range(kills - len(points))]
    counts: Counter[str] = Counter()
    faults = []
    for number, point in enumerate(points):
        with worlds.fresh(base) as world:

            def fatal(world: Path = world, point: int = point, number: int = number) -> None:
                kill_before(point, with_children=bool(number % 2))
                _command(verb.words, world)

            code = in_a_process(fatal)
            _wait_for_orphans()
            next_code = in_a_process(lambda world=world: _command(again, world))  # type: ignore[misc]
            after = _snapshot(world)
            where = f"{verb.name}, before change {point}{', with its children' if number % 2 else ''}"
            ended = "new" if after == new else "old" if after == old else ""
            counts[ended] += 1
            if code not in (0, 128 + signal.SIGKILL):
                faults.append(f"{where}: ended with {code}")
            if next_code:
                faults.append(f"{where}: the next command ends with {next_code}")
            if not ended:
                differs = sorted(
                    path for path in {*after, *new, *old} if after.get(path) not in (old.get(path), new.get(path))
                )
                extra = sorted(set(after) - set(old) - set(new))
                faults.append(f"{where}: neither old nor new: {(differs or extra or ['a mixture'])[:5]}")
            left = [path.name for path in (world / "state").glob("edits/*") if path.suffix != ".lock"]
            if left:
                faults.append(f"{where}: {left} is left")
    return counts, changes, faults


def _counting(words: tuple[str, ...], world: Path, counted: Path) -> None:
    count = kill_before(0)
    try:
        _command(words, world)
    finally:
        counted.write_text(str(count()))


def _command(words: tuple[str, ...], world: Path) -> None:
    from modelyard.cli.application import run

    os.chdir(world / "repository" if (world / "repository").exists() else world)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as said:
        try:
            code = run(list(words))
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    if code:
        sys.stderr.write(said.getvalue())
        raise SystemExit(code)


def _wait_for_orphans() -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()


def _snapshot(world: Path) -> dict[str, bytes]:
    """Return the content of every file, and of each repository in Git its branch's tree and state."""
    found = {}
    for path in sorted(world.rglob("*")):
        relative = path.relative_to(world)
        if path.is_file() and not any(part in _NOT_COMPARED for part in relative.parts):
            found[relative.as_posix()] = path.read_bytes()
    for repository in (world / "repository", world / "other"):
        if (repository / ".git").exists():
            tree = _git(repository, "rev-parse", "--verify", "-q", "HEAD^{tree}")
            found[f"{repository.name}: tree"] = tree + _git(repository, "status", "--porcelain")
    return found


def _git(folder: Path, *words: str) -> bytes:
    done = subprocess.run(["git", *_IDENTITY, *words], cwd=folder, capture_output=True, check=False)  # noqa: S607
    return done.stdout


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--verb", action="append", default=[])
    given = parser.parse_args()
    raise SystemExit(main(given.kills, given.seed, given.verb))
