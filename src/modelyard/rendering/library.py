"""The library backend: many targets in one process of the Go renderer, which also judges every resource.

The renderer and its JSON lines are described in docs/reference/render-protocol.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import orjson

from modelyard.findings import Address, At, ExitCode, Place, Precision, UserError
from modelyard.rendering.errors import translation
from modelyard.rendering.model import RenderError, Rendering, Resource, SchemaProblem, SchemaVerdict
from modelyard.repository import Repository, UnreadableFile
from modelyard.tooling import ToolFailed, require
from modelyard.tooling.renderer import RENDERER
from modelyard.tooling.streaming import LineProcess

PROTOCOL = 2
TIMEOUT_SECONDS = 60.0
_GRACE_SECONDS = 60.0  # beyond a target's limit: a suspect is tried twice before the renderer gives it up
_REFUSED = 2
_REBUILD = "run `modelyard tools install modelyard-render`, which builds the one that belongs to this version"

_T = TypeVar("_T")
_Read = Callable[[int, dict[str, Any], Sequence[Resource]], _T]


@dataclass(frozen=True, slots=True)
class ChartInputs:
    """A chart's archive with all that decides what it renders to.

    Attributes:
        name: The chart with its version, for messages.
        target: What the rendering is called.
        at: Where the chart is named.
        archive: Its archive, absolute.
        release: Name of the release.
        namespace: Namespace of the release.
        kubernetes_version: Full version that the chart is told, such as `1.35.6`.
        api_versions: API versions, as `group/version` and `group/version/Kind`, that the chart is told are there.
        values: Texts in YAML; a later one wins.
        skip_crds: Whether to leave out the definitions in the chart's `crds` folder.
    """

    name: str
    target: str
    at: Address
    archive: Path
    release: str
    namespace: str
    kubernetes_version: str
    api_versions: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    skip_crds: bool = False

    def line(self) -> dict[str, Any]:
        """Return the target that the renderer is asked for."""
        chart = {
            "archive": str(self.archive.resolve()),
            "release": self.release,
            "namespace": self.namespace,
            "kubeVersion": self.kubernetes_version,
            "apiVersions": self.api_versions,
            "values": self.values,
            "skipCRDs": self.skip_crds,
        }
        return {"path": self.target, "chart": chart}


class LibraryRenderer:
    """Renders and validates by the Go renderer, one process for all targets.

    Args:
        definitions: OpenAPI v2 definitions of Kubernetes' own kinds, one file; None leaves them unjudged.
        crd_folders: Folders with definitions of custom resources, laid out as `<group>/<plural>.json`.
        crds: Files and folders with definitions of the user's own; they replace those of `crd_folders`.
        schemas: What all these schemas are, for cache keys.
        jobs: Targets at a time; as many as processors when None.
        prestarted: A renderer that was started already, of `prestart_renderer`; `start` uses it.

    Raises:
        ToolMissing: The renderer is not installed.
    """

    name = "library"
    validates = True

    def __init__(
        self,
        definitions: Path | None,
        crd_folders: Sequence[Path] = (),
        crds: Sequence[Path] = (),
        *,
        schemas: str = "",
        jobs: int | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
        prestarted: LineProcess | None = None,
    ) -> None:
        self.executable = require(RENDERER)
        self.timeout_seconds = timeout_seconds
        self._schemas = schemas
        self._ahead = prestarted
        self._kept: tuple[Path, LineProcess] | None = None
        self._asked = 0
        self._header: dict[str, Any] = {
            "version": PROTOCOL,
            "definitions": str(definitions.resolve()) if definitions else "",
            "crdFolders": [str(folder.resolve()) for folder in crd_folders],
            "crds": [str(path.resolve()) for path in crds],
            "parallel": jobs or 0,
            "timeoutSeconds": timeout_seconds,
        }

    @property
    def identity(self) -> str:
        """What decides the output besides the inputs, for cache keys."""
        state = self.executable.path.stat()
        return f"modelyard-render {self.executable.path} {state.st_size} {state.st_mtime_ns} {self._schemas}"

    def start(self, repository: Repository) -> None:
        """Start the process, so that it gets ready while its targets are looked for, and keep it until `close`.

        Until then it takes every file of the repository as it was when it first read it.
        """
        self.close()
        prestarted, self._ahead = self._ahead, None
        self._kept = repository.root, self._conversation(repository, prestarted)

    def close(self) -> None:
        """End the process that `start` started."""
        if self._kept is not None:
            self._kept[1].close()
            self._kept = None

    def render(self, repository: Repository, targets: Sequence[str]) -> Iterator[Rendering]:
        """Yield one rendering per target, in the order in which they are ready; a bad target costs that target only.

        Raises:
            UserError: The renderer could not be used at all, or did not answer for every target.
        """
        lines = [{"path": target or "."} for target in targets]
        yield from self._answers(
            repository, lines, lambda position, told, found: _rendering(repository, targets[position], told, found)
        )

    def render_charts(self, repository: Repository, charts: Sequence[ChartInputs]) -> Iterator[tuple[int, Rendering]]:
        """Yield the position and the rendering of each chart, in the order in which they are ready.

        Raises:
            UserError: The renderer could not be used at all, or did not answer for every chart.
        """
        lines = [each.line() for each in charts]
        yield from self._answers(
            repository, lines, lambda position, told, found: (position, _of_chart(charts[position], told, found))
        )

    def _answers(self, repository: Repository, questions: Sequence[dict[str, Any]], read: _Read[_T]) -> Iterator[_T]:
        """Yield what `read` makes of the answer to each question."""
        if not questions:
            return
        ready = self._kept is not None and self._kept[0] == repository.root and self._kept[1].open
        conversation = self._kept[1] if ready and self._kept is not None else self._conversation(repository)
        first = self._asked
        self._asked += len(questions)
        lines = ({"id": str(first + number), **question} for number, question in enumerate(questions))
        answered = 0
        try:
            output = conversation.ask(b"".join(orjson.dumps(line) + b"\n" for line in lines), last=not ready)
            for answer in _answered(output, len(questions), read, first):
                answered += 1
                yield answer
                if ready and answered == len(questions):
                    return
        except ToolFailed as failed:
            if failed.completed.returncode == _REFUSED:
                reason = failed.completed.stderr.strip().splitlines()[-1].removeprefix("modelyard-render: ")
                raise UserError(f"the renderer cannot start: {reason}", fix=_REBUILD) from failed
            raise
        finally:
            if answered != len(questions) or not ready:
                conversation.close()
        if answered != len(questions):
            raise _misunderstood(f"it answered for {answered} of {len(questions)} targets")

    def _conversation(self, repository: Repository, prestarted: LineProcess | None = None) -> LineProcess:
        silence = 2 * self.timeout_seconds + _GRACE_SECONDS
        if prestarted is not None and prestarted.open:
            made, made.silence = prestarted, silence
        else:
            made = LineProcess([self.executable.path], silence=silence)
        made.tell(orjson.dumps({**self._header, "root": str(repository.root)}) + b"\n")
        return made


def renderings(repository: Repository, targets: Sequence[str], lines: Iterable[bytes]) -> Iterator[Rendering]:
    """Yield what the renderer's lines say about each folder.

    Args:
        repository: Where the folders are.
        targets: The folders; their ids are numbers from 0.
        lines: The renderer's output.

    Raises:
        UserError: A line is not as the protocol has it.
    """
    yield from _answered(
        lines, len(targets), lambda position, told, found: _rendering(repository, targets[position], told, found)
    )


def _answered(lines: Iterable[bytes], count: int, read: _Read[_T], first: int = 0) -> Iterator[_T]:
    """Yield what the renderer's lines say about each target.

    Args:
        lines: The renderer's output.
        count: How many targets it was asked for; their ids are consecutive numbers.
        read: From a target's position, its closing line and its resources to what is yielded.
        first: Id of the first target.

    Raises:
        UserError: A line is not as the protocol has it.
    """
    resources: list[Resource] = []
    for line in lines:
        try:
            told = orjson.loads(line)
            if "object" in told:
                resources.append(_resource(told))
                continue
            if not told.get("done"):
                if told.get("version") != PROTOCOL:
                    raise _misunderstood(f"it speaks protocol {told.get('version')}, this version speaks {PROTOCOL}")
                continue
            answer = read(_position(told["id"], first, count), told, resources)
        except (KeyError, IndexError, TypeError, ValueError) as fault:
            raise _misunderstood(f"a line of its output is not as agreed ({fault!r:.200})") from fault
        yield answer
        resources = []


def _position(identity: str, first: int, count: int) -> int:
    position = int(identity) - first
    if not 0 <= position < count:
        raise IndexError(identity)
    return position


def _misunderstood(reason: str) -> UserError:
    return UserError(
        f"the renderer cannot be understood: {reason}",
        fix=_REBUILD,
        exit_code=ExitCode.INTERNAL,
    )


def _resource(told: dict[str, Any]) -> Resource:
    origin = told.get("origin") or {}
    by = dict.fromkeys(each.get("configuredIn", "") for each in told.get("transformations", ()))
    by.pop("", None)
    return Resource(told["object"], origin.get("path") or origin.get("configuredIn") or None, tuple(by), _verdict(told))


def _verdict(told: dict[str, Any]) -> SchemaVerdict | None:
    """Return the verdict of one line; one broken rule or duplicate key is enough to be refused by an API server."""
    schema = told.get("schema")
    if schema is None:
        return None
    problems = [
        *(SchemaProblem(each["path"], each["message"]) for each in schema.get("problems", ())),
        *(SchemaProblem(each["path"], each["message"], "cel") for each in told["cel"].get("problems", ())),
        *(
            SchemaProblem(each["path"], f"a second item with {each['key']}", "duplicate")
            for each in told.get("duplicates", ())
        ),
    ]
    status = schema["status"]
    if status == "valid" and problems:
        status = "invalid"
    return SchemaVerdict(status, tuple(problems), rules_checked=told["cel"]["checked"])


def _rendering(repository: Repository, target: str, told: dict[str, Any], resources: Sequence[Resource]) -> Rendering:
    error = told.get("error")
    if error is None:
        return Rendering(target, tuple(resources))
    if error["kind"] == "build" and not error.get("fix"):
        translated = translation(repository, repository.kustomizations.tree(target), error["message"])
        if translated is not None:
            return Rendering(target, errors=(translated,))
    return Rendering(
        target, errors=(RenderError(error["kind"], error["message"], _at(repository, error), error.get("fix", "")),)
    )


def _of_chart(chart: ChartInputs, told: dict[str, Any], resources: Sequence[Resource]) -> Rendering:
    error = told.get("error")
    if error is None:
        return Rendering(chart.target, tuple(replace(each, origin=None, chart=chart.name) for each in resources))
    message = f"chart {chart.name} does not render: {error['message']}"
    return Rendering(chart.target, errors=(RenderError(error["kind"], message, chart.at, error.get("fix", "")),))


def _at(repository: Repository, error: dict[str, Any]) -> Address:
    path, line = error.get("path") or ".", error.get("line")
    if not line:
        return At(Place(path))
    text = None
    try:
        lines = repository.files.text(path).splitlines()
        text = lines[line - 1] if line <= len(lines) else None
    except UnreadableFile:
        pass  # the place stands without its excerpt
    return At(Place(path, line, error.get("column") or 1, precision=Precision.EXACT, text=text))
