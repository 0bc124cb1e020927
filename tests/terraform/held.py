"""A proxy before the mock AWS that holds requests back, so that an interruption comes at a known moment.

Interrupted at a random moment, the provider gives up requests of which AWS may have taken some and not others. Here
the moment is chosen: from the request that the test names on, nothing is answered any more, and whether that one
request reached AWS is the test's to say.
"""

import http.client
import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_PATIENCE_SECONDS = 300.0
_OF_THE_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-length"}


class HoldingProxy:
    """Passes requests on to an endpoint until one of them meets `trigger`; holds that one and all later ones back.

    A held request ends when its caller gives it up. Once `release` was called, everything passes.
    """

    def __init__(self, endpoint: str, trigger: Callable[[str, str, bytes], bool], *, taken: bool) -> None:
        """Holds from the first request whose method, path and body meet `trigger`; `taken`: AWS carries it out all the
        same, and only its answer is lost."""
        self._endpoint = urlsplit(endpoint).netloc
        self._trigger = trigger
        self._taken = taken
        self._changed = threading.Condition()
        self._passing = 0
        self._holding = False
        self._released = False

    def wait_until_only_held(self) -> None:
        """Returns once the request that was waited for is held and none is on its way any more."""
        with self._changed:
            reached = self._changed.wait_for(lambda: self._holding and not self._passing, _PATIENCE_SECONDS)
        assert reached, "the request that the test waits for never came"

    def release(self) -> None:
        """Lets everything pass from now on."""
        with self._changed:
            self._released = True

    @contextmanager
    def serving(self) -> Iterator[str]:
        """The address at which it listens."""
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                if self.headers.get("Expect", "").lower() == "100-continue":
                    self.send_response_only(100)
                    self.end_headers()
                proxy._serve(self, self.rfile.read(int(self.headers.get("Content-Length", 0))))

            def log_message(self, *_: object) -> None:
                """Keeps quiet."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            server.daemon_threads = True
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_address[1]}"
            finally:
                server.shutdown()

    def _serve(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        with self._changed:
            meets = not (self._released or self._holding) and self._trigger(request.command, request.path, body)
            held = not self._released and (self._holding or meets)
            passes = not held or (meets and self._taken)
            self._passing += passes
            self._holding |= meets
        try:
            answer = self._passed_on(request, body) if passes else None
            if answer and not held:
                self._answer(request, *answer)
        finally:
            with self._changed:
                self._passing -= passes
                self._changed.notify_all()
        if held:
            # Readable without data: the caller has closed the connection.
            select.select([request.connection], [], [], _PATIENCE_SECONDS)
            request.close_connection = True

    def _passed_on(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        upstream = http.client.HTTPConnection(self._endpoint, timeout=_PATIENCE_SECONDS)
        try:
            upstream.putrequest(request.command, request.path, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers.items():
                if name.lower() not in _OF_THE_CONNECTION | {"expect"}:
                    upstream.putheader(name, value)
            upstream.putheader("Content-Length", str(len(body)))
            upstream.endheaders(body)
            response = upstream.getresponse()
            return response.status, response.getheaders(), response.read()
        finally:
            upstream.close()

    def _answer(
        self, request: BaseHTTPRequestHandler, status: int, headers: list[tuple[str, str]], body: bytes
    ) -> None:
        request.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _OF_THE_CONNECTION:
                request.send_header(name, value)
        # The answer to HEAD tells the length of what it leaves out.
        lengths = [value for name, value in headers if name.lower() == "content-length"]
        request.send_header("Content-Length", lengths[0] if request.command == "HEAD" and lengths else str(len(body)))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(body)
