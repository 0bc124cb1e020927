"""Give the readers, and a check, what nobody should write: each has to end in an answer or in a refusal in words.

    fuzz.py readers --seeds 0:10000 [--target yaml]   inputs for each reader
    fuzz.py repositories --seeds 0:500                mutated repositories through a check, in every format

An input is made from its seed alone, so a number of the report makes it again. `--seeds` divides the work between
processes and days; what was done is kept in build/fuzz/ and not done again. A crash, or an input that takes more than
some seconds of processor time, is written there too, and the exit code is 1.
"""

# ruff: noqa: E501 - inputs are easier to read whole

from __future__ import annotations

import argparse
import contextlib
import io
import json
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from modelyard.cli.application import run as run_verb
from modelyard.findings import UserError, source_without_secrets

sys.path.insert(0, str(Path(__file__).parent))
from fuzz_inputs import input_of, repository_of

PROJECT = Path(__file__).parents[1]
KEPT = PROJECT / "build" / "fuzz"
MOST_SECONDS = 20
"""Processor time of one input beyond which it counts as a hang; ordinary ones take milliseconds."""

Reader = Callable[[str], object]


def readers(scratch: Path) -> dict[str, tuple[str, Reader]]:
    """Return each reader by name, with the corpus that its inputs come from."""
    from modelyard import catalog
    from modelyard.checking.baseline import read_baseline
    from modelyard.checking.scopes import streamed
    from modelyard.checking.wildcards import wildcard
    from modelyard.editing.environments import outputs
    from modelyard.editing.sources import foreign
    from modelyard.linear import matches_whole
    from modelyard.loadtests import UnreadableResult, client_result, merged
    from modelyard.planning import load_results, objectives_of, observed, runs_of
    from modelyard.rendering import RenderingCache
    from modelyard.rendering.selectors import matches_labels
    from modelyard.repository import Files, hcl, toml
    from modelyard.repository import json as json_reader
    from modelyard.repository import yaml as yaml_reader
    from modelyard.repository.locks import read_lock
    from modelyard.repository.secrets import shown_difference
    from modelyard.repository.settings import load_settings
    from modelyard.scaffolding.questionnaire import Questionnaire, read_answers
    from modelyard.scaffolding.recorded import recorded_answers
    from modelyard.sizing.logs import measured_budget
    from modelyard.sizing.measurements import measurements
    from modelyard.sizing.team_models import team_models
    from modelyard.view.terraform import syntax, tokens
    from modelyard.view.terraform.plans import read_plan

    def in_file(name: str, read: Callable[[Path], object]) -> Reader:
        def reader(text: str) -> object:
            path = scratch / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode("utf-8", "surrogatepass"))
            return read(path)

        return reader

    def cached(path: Path) -> object:
        return RenderingCache(path.parent.parent, "context").get(path.stem, "target")

    def config(text: str) -> object:
        content = json_reader.parsed(text)
        try:
            return catalog.model_from_config("a/b", content, "fuzz") if isinstance(content, dict) else None
        except ValueError:
            return None  # as its docstring says

    def of_terraform(text: str) -> object:
        try:
            list(tokens.attributes(text))
            return syntax.parsed(text)
        except tokens.Unknown:
            return None  # as its docstring says

    def worded(read: Reader) -> Reader:
        """Count what a docstring says is raised as a refusal, as the verbs that call it do."""

        def reader(text: str) -> object:
            try:
                return read(text)
            except (ValueError, UnreadableResult) as problem:
                raise UserError(str(problem)) from None

        return reader

    def own(name: str, read: Callable[[Files], object]) -> Reader:
        return in_file(f"{name.rpartition('/')[2]}-of/{name}", lambda path: read(_files_of(path, name)))

    def stream(text: str) -> None:
        with streamed(text.encode("utf-8", "replace").decode()) as folder:
            list(Files(folder).documents("manifests.yaml"))

    return {
        "objectives": ("objectives", own("web/objectives.yaml", lambda files: objectives_of(files, "web"))),
        "runs": ("runs", own("measurements/a--b.load.yaml", lambda files: runs_of(files, "a/b"))),
        "measurements": ("measurements", own("measurements/a--b.yaml", lambda files: measurements(files, "a/b"))),
        "team-models": ("team-model", own("catalog/models/a/model.yaml", team_models)),
        "bench": ("bench", worded(lambda text: list(load_results(json_reader.parsed(text))))),
        "client": ("client", worded(lambda text: merged([client_result("a", text)]).content())),
        "prometheus": ("prometheus", worded(lambda text: observed(json_reader.parsed(text)))),
        "outputs": ("outputs", outputs),
        "baseline": ("baseline", in_file("baseline.json", read_baseline)),
        "stream": ("yaml", stream),
        "yaml": ("yaml", lambda text: yaml_reader.documents("x.yaml", text)),
        "yaml-1.1": ("yaml", lambda text: yaml_reader.documents_of_1_1("x.yaml", text)),
        "yaml-nodes": ("yaml", lambda text: [yaml_reader.plain(each) for each in yaml_reader.nodes("x.yaml", text)]),
        "rendered": ("yaml", lambda text: yaml_reader.rendered(text.encode("utf-8", "surrogatepass"))),
        "json": ("json", json_reader.parsed),
        "toml": ("toml", toml.parsed),
        "hcl": ("hcl", lambda text: hcl.variables("x.tfvars", text)),
        "terraform": ("terraform", of_terraform),
        "log": ("log", measured_budget),
        "answers": ("answers", in_file("answers.yaml", read_answers)),
        "recorded": ("answers", in_file("recorded.yml", lambda path: recorded_answers(path.parent, path.name))),
        "questions": ("yaml", Questionnaire),
        "settings": ("yaml", in_file("modelyard.yaml", lambda path: load_settings(Files(path.parent)))),
        "lock": ("yaml", in_file("charts.lock", lambda path: read_lock(Files(path.parent)))),
        "import": ("deployment", lambda text: foreign("x.yaml", text)),
        "plan": ("plan", in_file("plan.json", read_plan)),
        "model-config": ("config", config),
        "cache": ("json", in_file("cache/ke/key.json", cached)),
        "pattern": ("pattern", lambda text: (matches_whole(text, "a" * 200), wildcard(text).matches("a/b" * 50))),
        "selector": ("pattern", lambda text: matches_labels(text, {"app": "x"})),
        "redaction": ("yaml", lambda text: (source_without_secrets(text), shown_difference(text, text))),
    }


def _files_of(path: Path, name: str) -> Any:
    from modelyard.repository import Files

    return Files(path.parents[name.count("/")])


class Hang(BaseException):
    """An input took more processor time than any may."""


def _late(number: int, frame: FrameType | None) -> NoReturn:
    raise Hang


def tried(read: Callable[[], object]) -> str:
    """Return what became of an input: `read`, `refused`, or the kind of a crash."""
    signal.signal(signal.SIGVTALRM, _late)
    signal.setitimer(signal.ITIMER_VIRTUAL, MOST_SECONDS)
    try:
        read()
    except UserError as error:
        return "refused" if error.message else "refused without words"
    except Hang:
        return "hang"
    except Exception as fault:
        place = traceback.extract_tb(fault.__traceback__)[-1]
        return f"{type(fault).__name__} in {Path(place.filename).name}:{place.lineno}"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return "read"


VERBS: tuple[tuple[str, ...], ...] = (
    ("graph", "--format", "json"),
    ("fit", "--json"),
    ("place", "--json"),
    ("cost", "--json"),
    ("times", "--json"),
    ("env", "list", "--json", "--repository"),
    ("plan", "web", "--env", "dev", "--json", "--repository"),
    ("tune", "web", "--env", "dev", "--json", "--repository"),
    ("model", "list", "--json", "--repository"),
)
"""What else reads a whole repository; each takes its path at the end."""

_TURNING = "\u202a\u202b\u202d\u202e\u2066\u2067\u2068"


def checked(root: Path) -> None:
    """Check a repository and write the report in every format; raises AssertionError where one is not inert."""
    from modelyard.checking import CheckOptions, check
    from modelyard.reporting import FORMATS, write

    report = check(root, CheckOptions(policies=False, use_cache=False))
    for name in FORMATS:
        stream = io.StringIO()
        write(report, name, stream)
        _require_inert(name, stream.getvalue())
        if name in ("json", "sarif", "gitlab"):
            json.loads(stream.getvalue())


def looked_at(root: Path, seed: int) -> None:
    """Let one of the other verbs read a repository, and the page of a check be made now and then."""
    words = VERBS[seed % len(VERBS)]
    with contextlib.redirect_stdout(_Stream()) as out, contextlib.redirect_stderr(_Stream()) as said:
        try:
            code = run_verb([*words, str(root)])
        except SystemExit as leaving:
            code = int(leaving.code or 0)
    shown, told = out.text(), said.text()
    assert code in (0, 1, 2, 3), f"{words[0]} ends with {code}: {told[-300:]}"
    _require_inert(words[0], shown + told)
    if shown:
        json.loads(shown)


class _Stream(io.TextIOWrapper):
    """Standard output as a process has it, kept in memory."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", errors="backslashreplace", write_through=True)

    def text(self) -> str:
        """Return what was written."""
        content = self.buffer
        assert isinstance(content, io.BytesIO)
        return content.getvalue().decode()


def _require_inert(name: str, text: str) -> None:
    assert "##[" not in text, f"{name} holds a command of a log"
    assert "\x1b" not in text, f"{name} holds an escape"
    assert not any(mark in text for mark in _TURNING), f"{name} turns text around"


def _shown_traceback(read: Callable[[], object]) -> str:
    try:
        read()
    except Exception:
        return traceback.format_exc()
    return ""


def run(
    name: str, seeds: range, attempt: Callable[[int], Callable[[], object]], save: Callable[[int, str], None]
) -> Counter[str]:
    """Try the inputs of seeds that were not tried yet, and return what became of them."""
    told: Counter[str] = Counter()
    progress = KEPT / f"{name}-{seeds.start}-{seeds.stop}.json"
    first = seeds.start
    if progress.is_file():
        kept: dict[str, Any] = json.loads(progress.read_text())
        first, told = kept["next"], Counter(kept["told"])
    for seed in range(first, seeds.stop):
        outcome = tried(attempt(seed))
        told[outcome] += 1
        if outcome not in ("read", "refused"):
            save(seed, outcome)
        if seed % 500 == 0 or seed == seeds.stop - 1:
            progress.parent.mkdir(parents=True, exist_ok=True)
            progress.write_text(json.dumps({"next": seed + 1, "told": told}))
    return told


def _readers(seeds: range, wanted: list[str]) -> Iterator[tuple[str, Counter[str]]]:
    with tempfile.TemporaryDirectory(prefix="modelyard-fuzz-") as folder:
        for name, (corpus, read) in readers(Path(folder)).items():
            if wanted and name not in wanted:
                continue

            def attempt(seed: int, name: str = name, corpus: str = corpus, read: Reader = read) -> Callable[[], object]:
                text = input_of(name, corpus, seed)
                return lambda: read(text)

            def save(seed: int, outcome: str, name: str = name, corpus: str = corpus) -> None:
                (KEPT / f"{name}-{seed}.input").write_bytes(
                    input_of(name, corpus, seed).encode("utf-8", "surrogatepass")
                )
                sys.stderr.write(f"{name} {seed}: {outcome}\n")

            yield name, run(name, seeds, attempt, save)


def _repositories(seeds: range) -> Iterator[tuple[str, Counter[str]]]:
    def attempt(seed: int) -> Callable[[], object]:
        def check_one() -> None:
            with tempfile.TemporaryDirectory(prefix="modelyard-fuzz-") as folder:
                repository_of(seed, Path(folder))
                if seed % 4 == 3:
                    looked_at(Path(folder), seed // 4)
                checked(Path(folder))

        return check_one

    def save(seed: int, outcome: str) -> None:
        (KEPT / f"repository-{seed}.txt").write_text(_shown_traceback(attempt(seed)))
        sys.stderr.write(f"repository {seed}: {outcome}\n")

    yield "repositories", run("repositories", seeds, attempt, save)


def main() -> int:
    """Run what the command line asks for and print a table; return 1 when something crashed or hung."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("readers", "repositories"))
    parser.add_argument("--seeds", default="0:2000", help="FIRST:AFTER_LAST")
    parser.add_argument("--target", action="append", default=[], help="one reader; may be repeated")
    given = parser.parse_args()
    first, last = (int(each) for each in given.seeds.split(":"))
    KEPT.mkdir(parents=True, exist_ok=True)
    failed = False
    results = (
        _readers(range(first, last), given.target) if given.what == "readers" else _repositories(range(first, last))
    )
    started = time.process_time()
    for name, told in results:
        seconds = time.process_time() - started
        others = {outcome: count for outcome, count in told.items() if outcome not in ("read", "refused")}
        failed = failed or bool(others)
        print(
            f"{name:14} {told.total():8,} inputs: {told['read']:,} read, {told['refused']:,} refused, {others or 'no crash'} "
            f"({seconds:.0f} s of processor time)",
            flush=True,
        )
        started = time.process_time()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
