"""Worlds that the verbs are killed in: a repository, and what a verb reads or writes beside it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests import repositories
from tests.cli.test_fit_command import LOG, settings
from tests.editing.test_adopting import VALUES
from tests.editing.test_environments import STORAGE, printed
from tests.editing.test_fixing import APPLICATION, DEPLOYMENT
from tests.fetching.conftest import Server, serve
from tests.kills import in_a_process
from tests.planning.test_objectives_and_runs import VLLM

_IDENTITY = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", f"core.hooksPath={os.devnull}")

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


CONFIG = """{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2,
"num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 100, "intermediate_size": 128,
"torch_dtype": "bfloat16", "max_position_embeddings": 128}"""


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
            makers = {
                "models": self._models,
                "environments": self._environments,
                "served": self._served,
                "fixable": self._fixable,
                "charts": self._charts,
                "template": self._template,
            }
            makers[name](folder)
        return folder

    @contextlib.contextmanager
    def fresh(self, base: Path) -> Iterator[Path]:
        """Copy a world to a place that is the same each time, since answers name the template's."""
        world = self.scratch / "world"
        shutil.copytree(base, world, symlinks=True, copy_function=_shared)
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
        _trim(folder / "repository")
        (folder / "config.json").write_text(CONFIG)
        (folder / "values.yaml").write_text(VALUES)
        (folder / "bench.json").write_text(json.dumps({**VLLM, "median_tpot_ms": 16.0, "mean_tpot_ms": 16.0}))
        git(folder / "repository", "init", "-q", "-b", "main")

    def _served(self, folder: Path) -> None:
        """Make a repository whose model a start-up log is of, and has a feature."""
        self._models(folder)
        self._run(folder, "feature", "on", "chat", "spread-zones", "--env", "dev", "--no-check")
        git(folder / "repository", "add", "-A")
        git(folder / "repository", "commit", "-q", "-m", "first")
        settings(folder / "repository", model="Qwen/Qwen3-8B", max_model_len=16384)
        (folder / "start.log").write_text(LOG)

    def _environments(self, folder: Path) -> None:
        repositories.make("many-environments", folder / "repository")
        repository = folder / "repository"
        _trim(repository)
        (repository / "environments/dev/platform/storage").mkdir(exist_ok=True)
        (repository / "environments/dev/platform/storage/kustomization.yaml").write_text(STORAGE)
        (folder / "outputs.json").write_text(printed(account_id="111122223333", shared_file_system_id="fs-0123456789"))
        git(repository, "init", "-q", "-b", "main")

    def _fixable(self, folder: Path) -> None:
        for path, text in {"web.yaml": APPLICATION, "web/a.yaml": DEPLOYMENT}.items():
            (folder / "repository" / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / "repository" / path).write_text(text)
        git(folder / "repository", "init", "-q", "-b", "main")
        git(folder / "repository", "add", "-A")
        git(folder / "repository", "commit", "-q", "-m", "first")
        (folder / "repository/web/a.yaml").write_text(DEPLOYMENT.replace("1.29.1", "1.29.2"))

    def _run(self, folder: Path, *words: str) -> None:
        os.environ |= {
            f"MODELYARD_{part.upper()}_DIR": str(self.scratch / "made" / part) for part in ("cache", "state")
        }
        if code := in_a_process(lambda: command(words, folder)):
            raise SystemExit(f"`modelyard {' '.join(words)}` ends with {code}")

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
        git(template, "init", "-q", "-b", "main")
        for version in ("first", "second"):
            (template / "template/repository/file.txt").write_text(f"{version}\n")
            (own / "kustomization.yaml").write_text(f"resources: []  # {version}\n")
            git(template, "add", "-A")
            git(template, "commit", "-q", "-m", version)
            git(template, "tag", "v1.0.0" if version == "first" else "v2.0.0")
        words = ("new", "repository", "--template", "template", "--ref", "v1.0.0", "--env", "dev", "--defaults")
        os.environ |= {f"MODELYARD_{part.upper()}_DIR": str(world / part) for part in ("cache", "state")}
        if code := in_a_process(lambda: command(words, world)):
            raise SystemExit(f"`modelyard {' '.join(words)}` ends with {code}")
        for entry in list(world.iterdir()):
            shutil.move(entry, folder / entry.name)
        world.rmdir()


def _trim(repository: Path) -> None:
    """Remove what no verb here reads, so that a copy takes less long."""
    shutil.rmtree(repository / "terraform")
    for overlay in (repository / "overlays").iterdir():
        if overlay.is_dir() and not overlay.name.startswith(("qwen3-1-7b", "qwen3-8b")):
            shutil.rmtree(overlay)


def _shared(source: str, target: str) -> None:
    """Copy a file as another name of it: what is edited is replaced, and the runner sees whether it was not."""
    if "/.git/" in source:  # logs of Git grow
        shutil.copy2(source, target)
    else:
        os.link(source, target)


def command(words: tuple[str, ...], world: Path) -> None:
    """Run the command line in the repository of a world; leaves the process where it fails."""
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


def git(folder: Path, *words: str) -> bytes:
    """Run git in a folder and return what it prints."""
    done = subprocess.run(["git", *_IDENTITY, *words], cwd=folder, capture_output=True, check=False)  # noqa: S607 - the git of this machine
    return done.stdout
