"""An editor: a client of the language server over its standard input and output, as one speaks to it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from typing import Any

MODELYARD = Path(sys.executable).with_name("modelyard")
PATIENCE = 120
"""Seconds after which a server that says nothing is taken for dead; no test passes by waiting."""


class Client:
    """One editor with one folder open."""

    def __init__(self, process: subprocess.Popen[bytes], root: Path) -> None:
        self.root = root
        self.pid = process.pid
        self.log: list[str] = []
        self.diagnostics: dict[str, list[dict[str, Any]]] = {}
        self._process = process
        self._messages: Queue[dict[str, Any] | None] = Queue()
        self._next = 0
        self._versions: dict[str, int] = {}
        threading.Thread(target=self._listen, daemon=True).start()

    def uri(self, path: str) -> str:
        return (self.root / path).as_uri()

    def request(self, method: str, params: Mapping[str, Any] | None) -> Any:
        self._next += 1
        self._send({"id": self._next, "method": method, "params": params})
        return self._until(lambda message: message.get("id") == self._next and "method" not in message)["result"]

    def notify(self, method: str, params: Mapping[str, Any] | None) -> None:
        self._send({"method": method, "params": params})

    def open(self, path: str) -> str:
        text = (self.root / path).read_text(encoding="utf-8")
        self._versions[path] = 1
        document = {"uri": self.uri(path), "languageId": "yaml", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})
        return text

    def type(self, path: str, text: str) -> None:
        """Replace a buffer's text; the file stays as it is."""
        self._versions[path] += 1
        document = {"uri": self.uri(path), "version": self._versions[path]}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})

    def at(self, method: str, path: str, line: int, character: int) -> Any:
        position = {"line": line, "character": character}
        return self.request(f"textDocument/{method}", {"textDocument": {"uri": self.uri(path)}, "position": position})

    def fixes(self, path: str, line: int) -> list[dict[str, Any]]:
        spot = {"line": line, "character": 0}
        params = {
            "textDocument": {"uri": self.uri(path)},
            "range": {"start": spot, "end": spot},
            "context": {"diagnostics": []},
        }
        found: list[dict[str, Any]] = self.request("textDocument/codeAction", params)
        return found

    def told(self, condition: Callable[[Client], bool]) -> None:
        """Read what the server says until a condition holds."""
        while not condition(self):
            self._take()

    def codes(self, path: str) -> set[str]:
        return {str(each.get("code")) for each in self.diagnostics.get(self.uri(path), [])}

    def _until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        while True:
            message = self._take()
            if wanted(message):
                assert "error" not in message, message
                return message

    def _take(self) -> dict[str, Any]:
        try:
            message = self._messages.get(timeout=PATIENCE)
        except Empty:
            raise AssertionError(f"the server says nothing; its log: {self.log}") from None
        assert message is not None, f"the server ended; its log: {self.log}"
        if message.get("method") == "textDocument/publishDiagnostics":
            params = message["params"]
            self.diagnostics[params["uri"]] = params["diagnostics"]
        elif message.get("method") == "window/logMessage":
            self.log.append(message["params"]["message"])
        elif "id" in message and "method" in message:
            self._send({"id": message["id"], "result": None})
        return message

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _listen(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        while True:
            length = 0
            while (line := stream.readline().strip()) != b"" or length == 0:
                if not line:
                    self._messages.put(None)
                    return
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            self._messages.put(json.loads(stream.read(length)))


@contextmanager
def editor(root: Path) -> Iterator[Client]:
    """Start the server as an editor does, with a folder open, and end it as the protocol has it."""
    process = subprocess.Popen([MODELYARD, "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    client = Client(process, root)
    try:
        folder = {"uri": root.as_uri(), "name": root.name}
        client.request(
            "initialize",
            {"processId": None, "rootUri": root.as_uri(), "capabilities": {}, "workspaceFolders": [folder]},
        )
        client.notify("initialized", {})
        yield client
        client.request("shutdown", None)
        client.notify("exit", None)
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()
