"""A thin client of the Kubernetes API, over the standard library's HTTP."""

from __future__ import annotations

import http.client
import ssl
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson

from modelyard.findings import ExitCode, UserError

_SECONDS = 60.0
_BUSY_RETRIES = 5
APPLY = "application/apply-patch+yaml"
MANAGER = "modelyard"
_UNTYPED = "failed to create typed patch object"


class Unreachable(UserError):
    """The API server did not answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API server answered.

    Attributes:
        status: HTTP status.
        value: The decoded body; empty when it is no JSON object.
        warnings: Texts of its warnings.
    """

    status: int
    value: dict[str, Any]
    warnings: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the request was granted."""
        return 200 <= self.status < 300

    @property
    def failed(self) -> bool:
        """Whether the server could not answer: what it says then is no verdict on the request.

        A server that applies answers 500 to an object whose fields its schema does not have, which is a verdict.
        """
        return self.status >= 500 and not self.message.startswith(_UNTYPED)

    @property
    def message(self) -> str:
        """The server's own words when it refused."""
        return str(self.value.get("message") or f"HTTP status {self.status}")


@dataclass(frozen=True, slots=True)
class ServedKind:
    """A kind that the server serves.

    Attributes:
        plural: Its name in addresses.
        namespaced: Whether its objects live in a namespace.
    """

    plural: str
    namespaced: bool


class Api:
    """One API server; may be used from several threads.

    Args:
        port: Port on the loopback address.
        token: Bearer token.
        authority: File with the certificates to trust.
    """

    def __init__(self, port: int, token: str, authority: Path) -> None:
        self.port = port
        self._token = token
        self._authority = authority
        self._context: ssl.SSLContext | None = None
        self._local = threading.local()

    def kubeconfig(self) -> dict[str, Any]:
        """Return a kubeconfig for programs that talk to the same server; it holds the token."""
        cluster = {"server": f"https://127.0.0.1:{self.port}", "certificate-authority": str(self._authority)}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": MANAGER,
            "contexts": [{"name": MANAGER, "context": {"cluster": MANAGER, "user": MANAGER}}],
            "clusters": [{"name": MANAGER, "cluster": cluster}],
            "users": [{"name": MANAGER, "user": {"token": self._token}}],
        }

    def request(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json", accept: str = ""
    ) -> Answer:
        """Send one request; a server that is busy is asked again.

        Raises:
            Unreachable: There is no answer.
        """
        content = None if body is None else orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS)
        headers = {"Authorization": f"Bearer {self._token}", "Accept": accept or "application/json"}
        if content is not None:
            headers["Content-Type"] = content_type
        for attempt in range(_BUSY_RETRIES):
            answer = self._sent(method, path, content, headers)
            if answer.status != 429:
                return answer
            time.sleep(0.2 * 2**attempt)
        return answer

    def apply(self, path: str, value: dict[str, Any], *, dry_run: bool) -> Answer:
        """Apply one object on the server's side, unknown fields being refused."""
        query = f"fieldManager={MANAGER}&force=true&fieldValidation=Strict" + ("&dryRun=All" if dry_run else "")
        return self.request("PATCH", f"{path}?{query}", value, APPLY)

    def served(self) -> dict[tuple[str, str], ServedKind]:
        """Return what the server serves, by apiVersion and kind."""
        found: dict[tuple[str, str], ServedKind] = {}
        wanted = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
        for path in ("/api", "/apis"):
            for group in self.request("GET", path, accept=wanted).value.get("items", ()):
                name = group.get("metadata", {}).get("name", "")
                for version in group.get("versions", ()):
                    api_version = f"{name}/{version['version']}" if name else str(version["version"])
                    for each in version.get("resources", ()):
                        kind = str(each.get("responseKind", {}).get("kind", ""))
                        served = ServedKind(str(each["resource"]), each.get("scope") == "Namespaced")
                        found.setdefault((api_version, kind), served)
        return found

    def _sent(self, method: str, path: str, content: bytes | None, headers: dict[str, str]) -> Answer:
        for attempt in (0, 1):
            connection = self._connection()
            try:
                connection.request(method, path, content, headers)
                response = connection.getresponse()
                raw = response.read()
            except (OSError, http.client.HTTPException) as problem:
                kept = attempt == 0 and self._local.used
                self._drop()
                if kept:
                    continue  # the server may have closed a connection that was kept open
                raise Unreachable(
                    f"the API server does not answer: {problem or type(problem).__name__}", exit_code=ExitCode.USAGE
                ) from problem
            self._local.used = True
            return Answer(response.status, _decoded(raw), _warnings(response.headers.get_all("Warning") or ()))
        raise AssertionError  # the second round returns or raises

    def _connection(self) -> http.client.HTTPSConnection:
        connection: http.client.HTTPSConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            if self._context is None:
                self._context = ssl.create_default_context(cafile=str(self._authority))
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=_SECONDS, context=self._context)
            self._local.connection = connection
            self._local.used = False
        return connection

    def _drop(self) -> None:
        self._local.connection.close()
        self._local.connection = None


def object_path(kind: ServedKind, api_version: str, namespace: str, name: str = "") -> str:
    """Return the address of an object, or of the collection when there is no name."""
    base = f"/api/{api_version}" if "/" not in api_version else f"/apis/{api_version}"
    place = f"/namespaces/{quote(namespace, safe='')}" if kind.namespaced else ""
    return f"{base}{place}/{kind.plural}" + (f"/{quote(name, safe='')}" if name else "")


def _decoded(raw: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {"message": raw.decode("utf-8", "replace")[:2000]}
    return value if isinstance(value, dict) else {}


def _warnings(headers: Any) -> tuple[str, ...]:
    """Return the texts of headers such as `299 - "unknown field"`."""
    found = []
    for header in headers:
        _, quoted, text = str(header).partition('"')
        found.append(text.removesuffix('"').replace('\\"', '"') if quoted else str(header))
    return tuple(found)
