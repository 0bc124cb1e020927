"""A chart repository and an OCI registry on this machine, and a repository that names their charts."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from modelyard.repository import Repository
from modelyard.tooling import find
from tests.charts import archive, sha256


@dataclass
class Server:
    """What the local server answers, and what it was asked."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    cut_after: dict[str, list[int]] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    token: str = ""
    length: bool = True

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")

    def put_chart(self, name: str, version: str, content: bytes | None = None, digest: str | None = None) -> bytes:
        """Offer one chart with an index that names only this one."""
        content = archive(name, version) if content is None else content
        self.files[f"/{name}-{version}.tgz"] = content
        index = f"apiVersion: v1\nentries:\n  {name}:\n    - version: {version}\n      urls: [{name}-{version}.tgz]\n"
        self.files["/index.yaml"] = (index + (f"      digest: {digest}\n" if digest else "")).encode()
        return content

    def put_image(self, path: str, tag: str, content: bytes, media_type: str | None = None) -> str:
        """Offer one chart as an OCI registry does."""
        digest = sha256(content)
        layer = {
            "mediaType": media_type or "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
            "digest": digest,
            "size": len(content),
        }
        self.files[f"/v2/{path}/manifests/{tag}"] = json.dumps({"schemaVersion": 2, "layers": [layer]}).encode()
        self.files[f"/v2/{path}/blobs/{digest}"] = content
        return digest


class _Handler(BaseHTTPRequestHandler):
    state: Server

    def do_GET(self) -> None:
        state, (path, _, query) = self.state, self.path.partition("?")
        state.asked.append(self.path)
        state.headers.append(dict(self.headers))
        if path == "/token":
            assert "service=registry" in query
            self._send(200, json.dumps({"token": state.token}).encode())
        elif path in state.redirects:
            self.send_response(302)
            self.send_header("Location", state.redirects[path])
            self.end_headers()
        elif path.startswith("/v2/") and state.token and self.headers.get("Authorization") != f"Bearer {state.token}":
            self.send_response(401)
            scope = f'service="registry",scope="repository:{path.split("/manifests/")[0][4:]}:pull"'
            self.send_header("WWW-Authenticate", f'Bearer realm="{state.url}/token",{scope}')
            self.end_headers()
        elif path not in state.files:
            self._send(404, b"nothing here")
        else:
            self._content(path, state.files[path])

    def _content(self, path: str, content: bytes) -> None:
        tag = sha256(content)
        start = 0
        wanted = self.headers.get("Range", "")
        if wanted and self.headers.get("If-Range") == f'"{tag}"':
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
        cuts = self.state.cut_after.get(path, [])
        part = content[start:]
        shown = part[: cuts.pop(0)] if cuts else part
        self.send_response(206 if start else 200)
        self.send_header("ETag", f'"{tag}"')
        if self.state.length:
            self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(shown)
        self.close_connection = True

    def _send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def serve() -> tuple[Server, ThreadingHTTPServer]:
    state = Server()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"state": state}))
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return state, server


@pytest.fixture
def server() -> Iterator[Server]:
    """A server on this machine."""
    state, running = serve()
    yield state
    running.shutdown()
    running.server_close()


@pytest.fixture
def other_server() -> Iterator[Server]:
    """A second one, on another port and so another host."""
    state, running = serve()
    yield state
    running.shutdown()
    running.server_close()


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, without a proxy between the tests and their server."""
    if find("modelyard-render") is None and find("kustomize") is None:
        pytest.skip("nothing renders here; run `modelyard tools install`")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


Naming = Callable[..., Repository]


@pytest.fixture
def naming(own_cache: Path, tmp_path: Path) -> Naming:
    """Makes a repository whose environment `dev` has one Application per chart (name, version, repoURL)."""
    root = tmp_path / "repository"

    def make(*charts: tuple[str, str, str], settings: str = "", environment: str = "dev") -> Repository:
        folder = root / "environments" / environment
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "environment.yaml").write_text(f"name: {environment}\n")
        names = []
        for number, (name, version, repository) in enumerate(charts):
            names.append(f"{name}-{number}.yaml")
            (folder / names[-1]).write_text(
                "apiVersion: argoproj.io/v1alpha1\nkind: Application\n"
                f"metadata: {{name: {name}-{number}}}\n"
                f"spec:\n  sources:\n    - {{path: a, ref: repository}}\n"
                f'    - {{repoURL: "{repository}", chart: {name}, targetRevision: "{version}"}}\n'
            )
        (folder / "kustomization.yaml").write_text(f"resources: [{', '.join(names)}]\n")
        if not names:
            (folder / "kustomization.yaml").write_text("configMapGenerator: [{name: a, literals: [b=c]}]\n")
        if settings:
            (root / "modelyard.yaml").write_text(settings)
        return Repository(root)

    return make
