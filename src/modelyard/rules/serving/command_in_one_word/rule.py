"""Commands that are one long word."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment

_SHELLS = ("sh", "bash", "ash", "dash", "zsh")


@rule("serving/command-in-one-word", error, since="0.1.0")
def command_in_one_word(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A command with spaces in its first item does not exist as a program; no shell splits it."""
    for workload in environment.own_workloads:
        for container in workload.containers:
            command = container.value.get("command")
            words = [str(each) for each in command] if isinstance(command, list) else []
            if not words or " " not in words[0].strip():
                continue
            program = words[0].split()[0].rpartition("/")[2]
            split = words[0].split()
            yield Finding(
                at=container.at("command", 0),
                message=f"{container} runs the program {words[0][:60]!r}, with its arguments in the name",
                fix=f"write each word as a separate item: {split[0]}, {split[1]}, …"
                if program not in _SHELLS
                else f"write {split[0]} and -c as items, and the script as the third",
            )
