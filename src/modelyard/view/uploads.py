"""What containers write to S3: destinations of `aws s3` in their commands and scripts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from modelyard.view.command_lines import assignments_in, command_words, commands_of, filled_in, script_of
from modelyard.view.manifests import Manifest
from modelyard.view.workloads import Container

_COPIES = ("cp", "mv", "sync")
_SCHEME = "s3://"


def uploads(container: Container, siblings: Sequence[Manifest] = ()) -> tuple[str, ...]:
    """Return the addresses that a container copies to by the AWS command line, `s3://` of a bucket and a key.

    Variables that only the cluster knows stay as they are written, such as `s3://$BUCKET/results/$RUN`. A script that
    cannot be read, and programs that write by a library, tell nothing.

    Args:
        container: The container.
        siblings: The resources rendered with it, among which its ConfigMaps are.
    """
    words = command_words(container, siblings)
    script = script_of(words)
    if script is None:
        return tuple(_destinations([[each.text for each in words]]))
    word, positional = script
    # `$1` is the word after the script's own name.
    given = {str(number): each.text for number, each in enumerate(positional)}
    try:
        return tuple(_destinations(commands_of(word.text), given))
    except ValueError:
        return ()


def _destinations(commands: Iterable[Sequence[str]], given: dict[str, str] | None = None) -> Iterator[str]:
    known = dict(given or {})
    for words in filter(None, commands):
        assigned = assignments_in(words)
        if assigned is not None:
            known.update({name: filled_in(value, known)[0] for name, value in assigned.items()})
            continue
        if len(words) < 4 or words[0] != "aws" or "--dryrun" in words:
            continue
        at = next((index for index, each in enumerate(words) if each == "s3"), len(words))
        if at + 1 >= len(words) or words[at + 1] not in _COPIES:
            continue
        last = filled_in(words[-1], known)[0]
        if last.startswith(_SCHEME):
            yield last
