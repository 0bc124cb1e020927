"""Where each format of a report goes."""

from __future__ import annotations

import io
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelyard.findings import Report, UserError
from modelyard.reporting import FORMATS, Presentation, write
from modelyard.wording import nearest

# Formats that people or a log read, so that several may share standard output.
_LINES = ("text", "github")
_STANDARD_OUTPUT = "-"


@dataclass(frozen=True, slots=True)
class Output:
    """One format and the file that it goes to; None is standard output.

    Attributes:
        format: The format.
        file: The file, or the folder where `folder` is set.
        folder: Whether it is written as several files, which `FORMAT=FOLDER/` asks for.
    """

    format: str
    file: Path | None
    folder: bool = False


def outputs(
    formats: Sequence[str], output: Path | None, known: Collection[str] = tuple(FORMATS), folders: Collection[str] = ()
) -> list[Output]:
    """Return the outputs that `--format` and `--output` ask for.

    Args:
        formats: Each `FORMAT` or `FORMAT=FILE`; text when empty.
        output: File of the one format that names none.
        known: The formats that there are.
        folders: Those of them that may be written as several files into a folder.

    Raises:
        UserError: A format is unknown, or two of them would be mixed in one place.
    """
    parsed = [_parsed(value, known) for value in formats] or [Output("text", None)]
    if output is not None:
        homeless = [each for each in parsed if each.file is None]
        if len(homeless) != 1:
            raise UserError(
                "--output takes the one format that names no file itself",
                fix="write --format FORMAT=FILE for each",
            )
        named = Output(homeless[0].format, None if str(output) == _STANDARD_OUTPUT else output)
        parsed = [named if each is homeless[0] else each for each in parsed]
    printed = [each.format for each in parsed if each.file is None]
    if len(printed) > 1 and any(format not in _LINES for format in printed):
        raise UserError(
            f"{' and '.join(printed)} would be mixed on standard output",
            fix=f"give all but one a file, as in --format {printed[-1]}=report.{printed[-1]}",
        )
    files = [each.file.absolute() for each in parsed if each.file is not None]
    for each in parsed:
        if each.file is None:
            continue
        if files.count(each.file.absolute()) > 1:
            raise UserError(
                f"two formats would be written to {each.file.absolute()}", fix="give each a file of its own"
            )
        if (each.file.is_dir() or each.folder) and not (each.folder and each.format in folders):
            raise UserError(f"{each.file.absolute()} is a folder", fix="name a file in it")
    return parsed


def deliver(report: Report, wanted: Sequence[Output], presentation: Presentation) -> None:
    """Write the report to every output, files first, each whole or not at all.

    Raises:
        UserError: A file cannot be written.
    """
    for output in wanted:
        if output.file is not None:
            plain = Presentation(
                quiet=presentation.quiet,
                fail_on=presentation.fail_on,
                strict=presentation.strict,
                path_prefix=presentation.path_prefix,
                rules=presentation.rules,
            )
            to_file(output.file, _written(report, output.format, plain).encode("utf-8", "backslashreplace"))
    for output in wanted:
        if output.file is None:
            to_standard_output(_written(report, output.format, presentation), output.format)


def _parsed(value: str, known: Collection[str]) -> Output:
    format, separator, file = value.partition("=")
    if format not in known:
        near = nearest(format, known)
        fix = f"did you mean {near}?" if near else f"formats are {', '.join(known)}"
        raise UserError(f"there is no format {format!r}", fix=fix)
    if separator and not file:
        raise UserError(f"--format {value} names no file", fix=f"write {format}=FILE, or {format} alone")
    return Output(format, Path(file) if file and file != _STANDARD_OUTPUT else None, file.endswith("/"))


def _written(report: Report, format: str, presentation: Presentation) -> str:
    stream = io.StringIO()
    write(report, format, stream, presentation)
    return stream.getvalue()


def to_file(file: Path, content: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        UserError: It cannot be written.
    """
    from modelyard.tooling import write_whole

    target = file.resolve()
    try:
        if target.exists() and not target.is_file():  # a pipe or a device cannot be replaced
            target.write_bytes(content)
        else:
            write_whole(target, content)
    except OSError as problem:
        raise _unwritable(file, str(problem.strerror or problem)) from None
    except UserError as error:
        raise _unwritable(file, error.message.rpartition(": ")[2]) from None


def _unwritable(file: Path, reason: str) -> UserError:
    return UserError(f"{file} cannot be written: {reason}", fix="name a file in a folder that you may write to")


def to_standard_output(text: str, format: str) -> None:
    """Write one format's text to standard output.

    Raises:
        UserError: It cannot be written.
    """
    try:
        if format == "text":
            sys.stdout.write(text)
        else:
            # What a machine reads is UTF-8 whatever the locale.
            sys.stdout.flush()
            sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as problem:
        raise UserError(f"the report cannot be written to standard output: {problem.strerror}") from None
