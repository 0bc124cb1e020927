"""Commands of an engine's program that it does not have."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of
from modelyard.view import Environment, listed

# vllm/entrypoints/cli in the wheels of vllm 0.16.0 and 0.33.0; mlserver/cli/main.py of SeldonIO/MLServer@a325e523.
_COMMANDS = {
    "vllm": frozenset(
        {
            "bench",
            "chat",
            "collect-env",
            "complete",
            "download-kernels",
            "launch",
            "preload",
            "run-batch",
            "serve",
            "snapshot",
        }
    ),
    "mlserver": frozenset({"build", "dockerfile", "infer", "init", "start"}),
}
_CLOSE = 0.7


@rule("serving/unknown-subcommand", error, since="0.3.0")
def unknown_subcommand(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A program that does not know its first word prints its usage and exits."""
    for workload in environment.own_workloads:
        for container in workload.containers:
            words = [
                (field, index, str(word))
                for field in ("command", "args")
                for index, word in enumerate(listed(container.value, field))
            ]
            if len(words) < 2:
                continue
            known = _COMMANDS.get(words[0][2].rpartition("/")[2])
            field, index, word = words[1]
            # What is spelt like none of them may be newer than what was read.
            near = nearest(word, known, cutoff=_CLOSE) if known and word not in known else ""
            if known and near and not word.startswith("-"):
                yield Finding(
                    at=container.at(field, index),
                    message=f"{container} runs {words[0][2]} {word}, which {words[0][2]} does not know",
                    fix=f"write {near or one_of(known)}",
                )
