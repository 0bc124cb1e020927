"""The language server: the protocol's messages, in the protocol's own units, over standard input and output."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls import uris
from pygls.lsp.server import LanguageServer

from modelyard import __version__
from modelyard.editor.knowledge import Asked, Completion, completions, definitions, hover, typed_from
from modelyard.editor.session import Session, Snapshot
from modelyard.findings import Finding, Place, Severity, UserError
from modelyard.repository import Files
from modelyard.rules import rules

_TYPING_SECONDS = 0.1
"""Silence after which a text is checked."""
_IDLE_SECONDS = 0.8
"""Silence after which everything is checked, where only what a change reaches was."""

_SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.NOTE: types.DiagnosticSeverity.Information,
}
_KINDS = {
    "property": types.CompletionItemKind.Property,
    "value": types.CompletionItemKind.Value,
    "folder": types.CompletionItemKind.Folder,
    "flag": types.CompletionItemKind.Field,
    "reference": types.CompletionItemKind.Reference,
}


class Server(LanguageServer):
    """The server of one editor; each folder that it opens is a repository of its own."""

    def __init__(self) -> None:
        super().__init__("modelyard", __version__)
        self.sessions: dict[Path, Session] = {}
        self._published: dict[Path, frozenset[str]] = {}
        self._told: dict[Path, str] = {}
        self._waiting: asyncio.Task[None] | None = None
        self._checker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="check")

    def open_folder(self, uri: str) -> None:
        """Begin with a folder; one that is no folder is left aside."""
        path = uris.to_fs_path(uri)
        if path is None:
            return
        with contextlib.suppress(UserError):
            session = Session(Path(path))
            if session.root in self.sessions:
                session.close()
            else:
                self.sessions[session.root] = session

    def close_folder(self, uri: str) -> None:
        """End with a folder."""
        path = uris.to_fs_path(uri)
        session = self.sessions.pop(Path(path).resolve(), None) if path else None
        if session is not None:
            self._publish(session, Snapshot())
            self._checker.submit(session.close)

    def close(self) -> None:
        """Remove what sessions keep on disk."""
        if self._waiting is not None:
            self._waiting.cancel()
        self._checker.shutdown(wait=True, cancel_futures=True)
        for session in self.sessions.values():
            session.close()
        self.sessions = {}

    def changed(self, delay: float = _TYPING_SECONDS) -> None:
        """Check again when nothing more has come for a moment."""
        if self._waiting is not None:
            self._waiting.cancel()
        self._waiting = asyncio.get_running_loop().create_task(self._check_soon(delay))

    async def _check_soon(self, delay: float) -> None:
        await asyncio.sleep(delay)
        for session in tuple(self.sessions.values()):
            snapshot = await self._checked(session, whole=False)
            if snapshot is not None and not snapshot.whole:
                await asyncio.sleep(_IDLE_SECONDS)
                await self._checked(session, whole=True)

    async def _checked(self, session: Session, *, whole: bool) -> Snapshot | None:
        texts = self._texts(session.root)
        loop = asyncio.get_running_loop()
        work = session.complete if whole else session.check
        # A check that is on its way ends even where a newer text has come: the next one waits for it.
        try:
            snapshot = await asyncio.shield(loop.run_in_executor(self._checker, work, texts))
        except UserError as error:
            self._refused(session, error)
            return None
        except Exception as fault:
            logging.getLogger(__name__).exception("a check failed")
            self._tell(session, f"internal error: {type(fault).__name__}; the log of the server has the details")
            return None
        self._publish(session, snapshot)
        if snapshot.whole and snapshot.report is not None:
            count = {each: snapshot.report.count(each) for each in Severity}
            gaps = sum(1 for gap in snapshot.report.not_checked if not gap.accepted)
            self._tell(
                session,
                f"{count[Severity.ERROR]} errors, {count[Severity.WARNING]} warnings, {gaps} not checked"
                f" ({snapshot.report.seconds:.1f} s)",
            )
        return snapshot

    def _refused(self, session: Session, error: UserError) -> None:
        """Show why nothing can be checked: at its place, where it has one."""
        place = error.at.place() if error.at is not None else None
        text = error.message + (f"\nfix: {error.fix}" if error.fix else "")
        self._tell(session, text)
        if place is not None:
            shown = types.Diagnostic(
                self._range(session, place), text, severity=types.DiagnosticSeverity.Error, source="modelyard"
            )
            self._send(session, {place.file: [shown]}, keep=True)

    def _tell(self, session: Session, text: str) -> None:
        if self._told.get(session.root) != text:
            self._told[session.root] = text
            self.window_log_message(types.LogMessageParams(types.MessageType.Info, f"{session.root.name}: {text}"))

    def _publish(self, session: Session, snapshot: Snapshot) -> None:
        by_file: dict[str, list[types.Diagnostic]] = {}
        for finding in snapshot.findings:
            place = finding.at.place()
            by_file.setdefault(place.file, []).append(self._diagnostic(session, finding, place))
        self._send(session, by_file)

    def _send(self, session: Session, by_file: Mapping[str, list[types.Diagnostic]], *, keep: bool = False) -> None:
        before = self._published.get(session.root, frozenset())
        for file in sorted(by_file.keys() | (frozenset() if keep else before)):
            uri = self.uri_of(session, file)
            document = self.workspace.text_documents.get(uri)
            self.text_document_publish_diagnostics(
                types.PublishDiagnosticsParams(
                    uri, list(by_file.get(file, ())), version=document.version if document else None
                )
            )
        self._published[session.root] = frozenset(by_file) | (before if keep else frozenset())

    def _diagnostic(self, session: Session, finding: Finding, place: Place) -> types.Diagnostic:
        rule = rules().get(finding.rule)
        where = f"{finding.environment}: " if finding.environment and len(session.snapshot.views) > 1 else ""
        text = "\n".join(filter(None, [f"{where}{finding.message}", *finding.detail, _fix_line(finding)]))
        return types.Diagnostic(
            self._range(session, place),
            text,
            severity=_SEVERITIES[finding.severity or Severity.ERROR],
            code=finding.rule or None,
            code_description=types.CodeDescription(rule.url) if rule is not None else None,
            source="modelyard",
        )

    def _range(self, session: Session, place: Place) -> types.Range:
        number, column = (place.line or 1) - 1, (place.column or 1) - 1
        lines = self.text_of(session, place.file).split("\n")
        line = lines[number] if number < len(lines) else ""
        end = place.end_column - 1 if place.end_column else len(line.rstrip()) if place.line else 0
        found = types.Range(types.Position(number, column), types.Position(number, max(column, end)))
        return self.workspace.position_codec.range_to_client_units(lines, found)

    def uri_of(self, session: Session, file: str) -> str:
        """Return the address of a file of a repository, as the editor that has it open writes it."""
        path = session.root / file
        made = uris.from_fs_path(str(path)) or ""
        return next((uri for uri in self.workspace.text_documents if _path(uri) == path), made)

    def located(self, uri: str) -> tuple[Session, str] | None:
        """Return the session that a file belongs to, and its path in the repository; None for one of no repository."""
        path = _path(uri)
        if path is None:
            return None
        inside = [each for each in self.sessions.values() if path.is_relative_to(each.root)]
        if not inside:
            return None
        session = max(inside, key=lambda each: len(each.root.parts))
        return session, path.relative_to(session.root).as_posix()

    def text_of(self, session: Session, file: str) -> str:
        """Return a file's text as it stands in the editor, or else on disk; empty where there is none."""
        document = self.workspace.text_documents.get(self.uri_of(session, file))
        if document is not None:
            return str(document.source).replace("\r\n", "\n")
        try:
            return Files(session.root).text(file)
        except UserError:
            return ""

    def asked(self, uri: str, position: types.Position) -> tuple[Session, Asked] | None:
        """Return what a request is about; None for a file of no repository."""
        found = self.located(uri)
        if found is None:
            return None
        session, path = found
        text = self.text_of(session, path)
        there = self.workspace.position_codec.position_from_client_units(text.split("\n"), position)
        return session, Asked(session.root, path, text, there.line, there.character, session.snapshot)

    def _texts(self, root: Path) -> dict[str, str]:
        found = {}
        for uri, document in self.workspace.text_documents.items():
            located = self.located(uri)
            if located is not None and located[0].root == root:
                found[located[1]] = str(document.source)
        return found


def _path(uri: str) -> Path | None:
    path = uris.to_fs_path(uri) if uri.startswith("file:") else None
    return Path(path).resolve() if path else None


def _fix_line(finding: Finding) -> str:
    return f"fix: {finding.fix}" if finding.fix else ""


def server() -> Server:
    """Return a server with everything that it answers."""
    made = Server()

    @made.feature(types.INITIALIZED)
    def _(_: Any) -> None:
        folders = [each.uri for each in made.workspace.folders.values()] or [made.workspace.root_uri]
        for uri in filter(None, folders):
            made.open_folder(uri)
        made.changed(0)

    @made.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def _(params: types.DidChangeWorkspaceFoldersParams) -> None:
        for each in params.event.removed:
            made.close_folder(each.uri)
        for each in params.event.added:
            made.open_folder(each.uri)
        made.changed(0)

    for event in (
        types.TEXT_DOCUMENT_DID_OPEN,
        types.TEXT_DOCUMENT_DID_CHANGE,
        types.TEXT_DOCUMENT_DID_CLOSE,
        types.TEXT_DOCUMENT_DID_SAVE,
        types.WORKSPACE_DID_CHANGE_WATCHED_FILES,
    ):

        @made.feature(event)
        def _(_: Any) -> None:
            made.changed()

    @made.feature(types.TEXT_DOCUMENT_HOVER)
    def _(params: types.HoverParams) -> types.Hover | None:
        found = made.asked(params.text_document.uri, params.position)
        told = hover(found[1]) if found else None
        if told is None or found is None:
            return None
        text, start, end = told
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, text), _in_line(made, found[1], start, end))

    @made.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=["-", "/", ":", " "]))
    def _(params: types.CompletionParams) -> types.CompletionList:
        found = made.asked(params.text_document.uri, params.position)
        if found is None:
            return types.CompletionList(is_incomplete=False, items=[])
        replaced = _in_line(made, found[1], typed_from(found[1]), found[1].column)
        items = [_item(each, replaced) for each in completions(found[1])]
        return types.CompletionList(is_incomplete=True, items=items)

    @made.feature(types.TEXT_DOCUMENT_DEFINITION)
    def _(params: types.DefinitionParams) -> list[types.Location]:
        found = made.asked(params.text_document.uri, params.position)
        if found is None:
            return []
        session, asked = found
        return [
            types.Location(made.uri_of(session, place.file), made._range(session, place))
            for place in definitions(asked)
        ]

    @made.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix]),
    )
    def _(params: types.CodeActionParams) -> list[types.CodeAction]:
        found = made.located(params.text_document.uri)
        return list(_actions(made, *found, params.range)) if found else []

    @made.feature(types.SHUTDOWN)
    def _(_: Any) -> None:
        made.close()

    return made


def _in_line(made: Server, asked: Asked, start: int, end: int) -> types.Range:
    found = types.Range(types.Position(asked.line, start), types.Position(asked.line, end))
    return made.workspace.position_codec.range_to_client_units(asked.lines, found)


def _item(each: Completion, replaced: types.Range) -> types.CompletionItem:
    told = types.MarkupContent(types.MarkupKind.Markdown, each.documentation) if each.documentation else None
    return types.CompletionItem(
        each.text,
        kind=_KINDS[each.kind],
        detail=each.detail or None,
        documentation=told,
        text_edit=types.TextEdit(replaced, each.text),
    )


def _actions(made: Server, session: Session, file: str, asked: types.Range) -> Any:
    for fix in session.snapshot.fixes:
        place = fix.finding.at.place()
        if place.file != file or not asked.start.line <= (place.line or 1) - 1 <= asked.end.line:
            continue
        texts = fix.texts(lambda path: made.text_of(session, path))
        if not texts:
            continue
        changes = {
            made.uri_of(session, path): [_whole_change(made, made.text_of(session, path), text)]
            for path, text in texts.items()
        }
        note = "" if fix.safe else " (removes something, or changes what others read)"
        yield types.CodeAction(
            f"{fix.finding.fix or fix.finding.rule}{note}",
            kind=types.CodeActionKind.QuickFix,
            diagnostics=[made._diagnostic(session, fix.finding, place)],
            is_preferred=fix.safe or None,
            edit=types.WorkspaceEdit(changes=changes),
        )


def _whole_change(made: Server, before: str, after: str) -> types.TextEdit:
    """Return the one edit of lines that turns a text into another."""
    old, new = before.split("\n"), after.split("\n")
    same = 0
    while same < min(len(old), len(new)) and old[same] == new[same]:
        same += 1
    tail = 0
    while tail < min(len(old), len(new)) - same and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    if tail:
        end = types.Position(len(old) - tail, 0)
        text = "".join(f"{line}\n" for line in new[same : len(new) - tail])
        return types.TextEdit(types.Range(types.Position(same, 0), end), text)
    last = len(old) - 1
    end = made.workspace.position_codec.position_to_client_units(old, types.Position(last, len(old[last])))
    return types.TextEdit(types.Range(types.Position(same, 0), end), "\n".join(new[same:]))
