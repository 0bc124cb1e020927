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
import io
import json
import random
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

from modelyard.findings import UserError, source_without_secrets

PROJECT = Path(__file__).parents[1]
KEPT = PROJECT / "build" / "fuzz"
MOST_SECONDS = 20
"""Processor time of one input beyond which it counts as a hang; ordinary ones take milliseconds."""

Reader = Callable[[str], object]

CORPUS = {
    "yaml": [
        "version: 1\nwaivers:\n  - rule: a/b\n    path: 'x/**'\n    reason: because of it\n    expires: 2027-01-01\n",
        "a: &a {b: 1}\nc: {<<: *a, d: [1, 2.5, true, null, ~]}\n---\n- x\n- |\n  text\n  more\n",
        "charts:\n  - {name: a, version: '1.0', repository: example.com/a, digest: 'sha256:00'}\nversion: 1\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {token: b}\n",
        "image: {repository: vllm/vllm-openai, tag: v0.10.0}\nargs: [--model, a/b, --tensor-parallel-size=2]\n",
    ],
    "answers": [
        "_src_path: https://git.example.com/template\n_commit: v1.2.3\nname: chat\nregion: us-west-2\ncomponents: a,b\nempty:\n",
    ],
    "deployment": [
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: chat}\nspec:\n  replicas: 2\n  template:\n    spec:\n      containers:\n"
        "        - name: vllm\n          image: vllm/vllm-openai:v0.10.0\n          args: [--model, Qwen/Qwen3-1.7B, --port=8000]\n"
        "          env: [{name: HF_TOKEN, value: x}, {name: A, valueFrom: {secretKeyRef: {name: a, key: b}}}]\n"
        "          resources: {limits: {nvidia.com/gpu: 1, memory: 16Gi}}\n",
        "servingEngineSpec:\n  modelSpec:\n    - name: chat\n      repository: vllm/vllm-openai\n      tag: v0.10.0\n"
        "      modelURL: Qwen/Qwen3-1.7B\n      requestGPU: 1\n      vllmConfig: {maxModelLen: 4096, extraArgs: [--a=b]}\n",
    ],
    "json": [
        '{"a": [1, 2.5e3, true, null, "x\\u00e9\\n"], "b": {"c": {}}}',
        '{"entries": {"a": [{"version": "1", "urls": ["a"]}]}}',
    ],
    "toml": ['[settings.kubernetes]\n"a" = 1\nb = [1, 2]\nc = """x\n"""\nd = 1979-05-27T07:32:00Z\n'],
    "hcl": ['name = "dev"\nlist = ["a", "b"]\nobject = {\n  a = 1 # c\n  b = "${x}"\n}\ntext = <<E\nx\nE\n'],
    "log": [
        "INFO vLLM API server version 0.10.0\nAvailable KV cache memory: 1.5 GiB\n",
        "non-default args: {'model': 'a/b', 'max_model_len': 8192, 'tensor_parallel_size': 2}\nModel loading took 5.38 GiB\n",
        "Initializing a V1 LLM engine (v0.10.0) with config: model='a', kv_cache_dtype=fp8, max_seq_len=8192\n",
        "GPU KV cache size: 651,504 tokens\ntotal_gpu_memory (79.1GiB) x gpu_memory_utilization (0.90) = 71.29GiB\n",
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB\n",
    ],
    "terraform": [
        'a.b["c"].d',
        '"x-${var.a}-${join(",", [for x in y : x if x != 1])}"',
        "a ? b : c == 1 && !d",
        "{ a = 1, (b) = [2] }",
    ],
    "pattern": ["(a|b)*c", "[a-z]{2,5}x?", "a**/*.yaml", "app=x, tier in (a, b), !c"],
    "plan": [
        '{"format_version": "1.2", "planned_values": {"root_module": {}}, "resource_changes": [], "variables": {"a": {"value": 1}}}'
    ],
    "config": [
        '{"architectures": ["LlamaForCausalLM"], "hidden_size": 4096, "num_attention_heads": 32, "num_hidden_layers": 32, '
        '"vocab_size": 128256, "intermediate_size": 14336, "num_key_value_heads": 8, "torch_dtype": "bfloat16"}'
    ],
}
TOKENS = [
    *"[]{}()<>:,-?&*!|>'\"%@`#=+/\\\n\t \r\0\x1b\x7f",
    *(
        "- ",
        ": ",
        "? ",
        "*a",
        "&a ",
        "<<: *a",
        "---\n",
        "...\n",
        "|-\n",
        "!!int ",
        "!!timestamp ",
        "!!binary ",
        "!!set ",
        "!!python/none",
    ),
    *(
        "~",
        "null",
        "true",
        "0x",
        "1e999",
        "-1",
        "0",
        "9" * 400,
        ".nan",
        ".inf",
        "1_0",
        "12:30:45",
        "\u202e",
        "\u00b2",
        "\ufeff",
        "\U0001f600",
    ),
    *(
        "${",
        "}",
        "<<E\n",
        "E\n",
        "##[error]",
        "::error::",
        "\\u0000",
        "\\ud800",
        "=",
        "==",
        "for ",
        "...",
        "{{",
        "}}",
        "$(",
        "../",
    ),
    *(
        "GiB",
        "None",
        "float('nan')",
        "lambda: 0",
        "1j",
        "b'x'",
        "{1}",
        "()",
        "kind: Secret\n",
        "password: ",
        "https://a:b@c/",
    ),
]


def mutated(random_: random.Random, texts: list[str]) -> str:
    """Return a text of a corpus with a few things done to it; now and then something is repeated very often."""
    text = random_.choice(texts)
    for _ in range(random_.randint(1, 6)):
        start = random_.randint(0, len(text))
        end = min(len(text), start + random_.randint(0, 12))
        done = random_.randrange(8)
        if done == 0:
            text = text[:start] + text[end:]
        elif done == 1:
            text = text[:start] + text[start:end] * random_.randint(2, 5) + text[end:]
        elif done in (2, 3):
            text = text[:start] + random_.choice(TOKENS) + text[end if done == 2 else start :]
        elif done == 4:
            other = random_.choice(texts)
            cut = random_.randint(0, len(other))
            text = text[:start] + other[cut:]
        elif done == 5:
            text = (
                text[:start] + chr(random_.choice((random_.randrange(128), random_.randrange(0xD7FF)))) + text[start:]
            )
        elif done == 6:
            lines = text.split("\n")
            random_.shuffle(lines)
            text = "\n".join(lines)
        elif random_.random() < 0.2:
            text = text[:start] + random_.choice(TOKENS) * random_.choice((10, 300, 3000)) + text[start:]
    return text


def readers(scratch: Path) -> dict[str, tuple[str, Reader]]:
    """Return each reader by name, with the corpus that its inputs come from."""
    from modelyard import catalog
    from modelyard.checking.wildcards import wildcard
    from modelyard.editing.deployments import foreign
    from modelyard.linear import matches_whole
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

    return {
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


def input_of(target: str, corpus: str, seed: int) -> str:
    """Return the input of a seed for a reader."""
    return mutated(random.Random(f"{target} {seed}"), CORPUS[corpus])  # noqa: S311 - no secret


FILES = {
    "environments/dev/kustomization.yaml": "resources: [web.yaml]\n",
    "environments/dev/environment.yaml": "kubernetes: '1.35'\nregion: us-west-2\n",
    "environments/dev/terraform.tfvars": 'cluster_name = "dev"\nregion = "us-west-2"\n',
    "environments/dev/web.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: web, namespace: argocd}\n"
    "spec:\n  project: default\n  source: {repoURL: 'https://git.example.com/a.git', path: web, targetRevision: main}\n"
    "  destination: {namespace: web, server: 'https://kubernetes.default.svc'}\n",
    "web/kustomization.yaml": "resources: [all.yaml]\npatches:\n  - target: {kind: Deployment, name: 'd|e.*'}\n    patch: |-\n"
    "      - {op: replace, path: /spec/replicas, value: 2}\nconfigMapGenerator: [{name: c, literals: [a=b]}]\n",
    "web/all.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  replicas: 1\n  selector: {matchLabels: {a: b}}\n"
    "  template:\n    metadata: {labels: {a: b}}\n    spec:\n      containers:\n        - name: vllm\n          image: vllm/vllm-openai:v0.10.0\n"
    "          args: [--model, Qwen/Qwen3-1.7B, --max-model-len, '8192']\n          env: [{name: HF_TOKEN, value: x}]\n"
    "          resources: {limits: {nvidia.com/gpu: 1}}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: d}\n"
    "spec: {selector: {a: b}, ports: [{port: 80}]}\n",
    "modelyard.yaml": "version: 1\nwaivers:\n  - rule: security/root-container\n    path: web/**\n    reason: it is built so\n"
    "    expires: 2027-01-01\n",
    "charts.lock": "version: 1\n",
    ".github/workflows/a.yml": "on: push\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: 'echo ${{ github.head_ref }}'}]}}\n",
}


def repository_of(seed: int, root: Path) -> None:
    """Write the repository of a seed: some of its files are mutated."""
    chosen = random.Random(f"repository {seed}")  # noqa: S311 - no secret
    changed = set(chosen.sample(sorted(FILES), chosen.randint(1, 3)))
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        content = mutated(chosen, [text, text, *CORPUS["yaml"]]) if path in changed else text
        (root / path).write_bytes(content.encode("utf-8", "surrogatepass"))


def checked(root: Path) -> None:
    """Check a repository and write the report in every format; raises AssertionError where one is not inert."""
    from modelyard.checking import CheckOptions, check
    from modelyard.reporting import FORMATS, write

    report = check(root, CheckOptions(policies=False, use_cache=False))
    for name in FORMATS:
        stream = io.StringIO()
        write(report, name, stream)
        text = stream.getvalue()
        assert "##[" not in text, f"{name} holds a command of a log"
        assert "\x1b" not in text, f"{name} holds an escape"
        assert not any(mark in text for mark in "\u202a\u202b\u202d\u202e\u2066\u2067\u2068"), (
            f"{name} turns text around"
        )
        if name in ("json", "sarif", "gitlab"):
            json.loads(text)


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
