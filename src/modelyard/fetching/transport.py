"""Downloads: with time and size limits, no credentials, continued where they were cut off."""

from __future__ import annotations

import hashlib
import http.client
import ipaddress
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from modelyard.findings import UserError
from modelyard.tooling import cache, write_whole
from modelyard.tooling.files import unwritable

SECONDS = 30.0
"""Longest wait for a connection or for the next bytes."""

ATTEMPTS = 3

SECONDS_IN_ALL = 600.0
"""Longest time for one answer, however slowly its bytes come."""

_CHUNK = 64 * 1024

Received = Callable[[int, int | None], None]
"""Told the bytes that are there and the bytes that are expected, None when the server does not say."""


class FetchFailed(UserError):
    """Something could not be downloaded."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A small answer, held in memory.

    Attributes:
        status: HTTP status.
        headers: Header fields, names in lower case.
        body: Content.
    """

    status: int
    headers: dict[str, str]
    body: bytes


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to HTTPS only, and takes no authorization along to another host."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        checked_url(newurl)
        require_public(req.full_url, newurl)
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        if following is not None and following.host != req.host:
            following.remove_header("Authorization")
        return following


# No handler for file: and ftp:, which the standard opener would have.
_opener = urllib.request.OpenerDirector()
for _handler in (
    urllib.request.ProxyHandler(),
    urllib.request.UnknownHandler(),
    urllib.request.HTTPHandler(),
    urllib.request.HTTPSHandler(),
    urllib.request.HTTPDefaultErrorHandler(),
    urllib.request.HTTPErrorProcessor(),
    _Redirects(),
):
    _opener.add_handler(_handler)


def checked_url(url: str) -> str:
    """Return `url` when it may be fetched: HTTPS, or HTTP from this machine, without credentials.

    Raises:
        FetchFailed: It may not.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise FetchFailed(
            f"an address on {parts.hostname} holds credentials, which do not belong in a repository",
            fix="take them out; only what is public is fetched",
        )
    if parts.scheme == "https" and parts.hostname:
        return url
    if parts.scheme == "http" and parts.hostname and is_this_machine(parts.hostname):
        return url
    raise FetchFailed(f"{url} is not an https:// address", fix="use the publisher's https:// address")


def is_this_machine(host: str) -> bool:
    """Return whether a host name stands for this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def require_public(url: str, newurl: str) -> None:
    """Refuse a redirect from a public server to this machine or a private network, which it could not reach itself.

    Raises:
        FetchFailed: It is such a redirect, or the name of the host it leads to is unknown.
    """
    host, old = (urllib.parse.urlsplit(each).hostname or "" for each in (newurl, url))
    if host == old or is_this_machine(old):
        return
    fix = "use the address that the publisher names, without redirects"
    try:
        found = {str(entry[4][0]).partition("%")[0] for entry in socket.getaddrinfo(host, None)}
    except OSError:
        if urllib.request.getproxies():
            return  # the proxy looks names up, and reaches what it may
        raise FetchFailed(f"{old} redirects to {host}, which has no address", fix=fix) from None
    private = sorted(each for each in found if not ipaddress.ip_address(each).is_global)
    if private:
        raise FetchFailed(f"{old} redirects to {host}, which is {private[0]}, an address that is not public", fix=fix)


def get(url: str, *, headers: dict[str, str] | None = None, limit: int) -> Answer:
    """Return a small answer, also one of status 401.

    Args:
        url: What to ask for.
        headers: Header fields to send.
        limit: Most bytes to take.

    Raises:
        FetchFailed: No answer, another error status, or more than `limit` bytes.
    """
    try:
        with _open(url, headers or {}) as response:
            body = b"".join(_chunks(response, url, limit + 1))
            status, fields = response.status, response.headers
    except urllib.error.HTTPError as answer:
        if answer.code != http.HTTPStatus.UNAUTHORIZED:
            raise _refused(url, answer) from None
        body, status, fields = b"", answer.code, answer.headers
    except (OSError, http.client.HTTPException) as problem:
        raise _unreachable(url, problem) from problem
    if len(body) > limit:
        raise FetchFailed(f"{url} is larger than {limit // 2**20} MiB")
    return Answer(status, {name.lower(): value for name, value in fields.items()}, body)


def download(
    url: str,
    *,
    headers: dict[str, str] | None = None,
    limit: int,
    received: Received = lambda there, expected: None,
) -> Path:
    """Download to a file in the cache and return it; the caller moves it to where it belongs.

    What an earlier attempt left is continued when the server still has the same content.

    Raises:
        FetchFailed: No answer, an error status, more than `limit` bytes, or a transfer that was cut off three times.
        UserError: The cache cannot be written to.
    """
    folder = cache() / "fetching"
    part = folder / f"{hashlib.sha256(url.encode()).hexdigest()}.part"
    problem: Exception | None = None
    for _ in range(ATTEMPTS):
        try:
            _attempt(url, dict(headers or {}), part, limit, received)
            return part
        except urllib.error.HTTPError as answer:
            raise _refused(url, answer) from None
        except (http.client.IncompleteRead, TimeoutError, ConnectionError) as cut:
            problem = cut
        except (OSError, http.client.HTTPException) as failed:
            raise _unreachable(url, failed) from failed
    raise FetchFailed(
        f"{url} was cut off {ATTEMPTS} times ({_reason(problem)})", fix="run the command again; it goes on from there"
    )


def _attempt(url: str, headers: dict[str, str], part: Path, limit: int, received: Received) -> None:
    there, validator = _left_over(part)
    if there and validator:
        headers |= {"Range": f"bytes={there}-", "If-Range": validator}
    with _open(url, headers) as response:
        if response.status != http.HTTPStatus.PARTIAL_CONTENT:
            there = 0
        length = response.headers.get("Content-Length")
        expected = there + int(length) if length is not None and length.isdigit() else None
        if expected is not None and expected > limit:
            raise FetchFailed(f"{url} has {expected // 2**20} MiB, more than the {limit // 2**20} MiB that are taken")
        tag = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
        write_whole(part.with_suffix(".json"), orjson.dumps("" if tag.startswith("W/") else tag))
        try:
            stream = part.open("ab" if there else "wb")
        except OSError as problem:
            raise unwritable(part, problem) from problem
        with stream:
            for chunk in _chunks(response, url, limit - there + 1):
                there += len(chunk)
                if there > limit:
                    stream.truncate(0)
                    raise FetchFailed(f"{url} is larger than {limit // 2**20} MiB")
                stream.write(chunk)
                received(there, expected)
        if expected is not None and there < expected:
            raise http.client.IncompleteRead(b"", expected - there)


def _chunks(response: Any, url: str, most: int) -> Iterator[bytes]:
    """Yield what a server sends, up to a number of bytes, as long as it takes no more time than it may.

    Raises:
        FetchFailed: The bytes come too slowly.
    """
    end = time.monotonic() + SECONDS_IN_ALL
    while most > 0 and (chunk := response.read1(min(_CHUNK, most))):
        most -= len(chunk)
        yield chunk
        if time.monotonic() > end:
            raise FetchFailed(f"{url} did not arrive within {SECONDS_IN_ALL:.0f} s", fix="try again, or use a mirror")


def _left_over(part: Path) -> tuple[int, str]:
    try:
        return part.stat().st_size, str(orjson.loads(part.with_suffix(".json").read_bytes()))
    except (OSError, orjson.JSONDecodeError):
        return 0, ""


def _open(url: str, headers: dict[str, str]) -> Any:
    # The encoding of the bytes decides their digest, so they are taken as they lie.
    sent = {"User-Agent": "modelyard", "Accept-Encoding": "identity", **headers}
    return _opener.open(urllib.request.Request(checked_url(url), headers=sent), timeout=SECONDS)  # noqa: S310


def _refused(url: str, answer: urllib.error.HTTPError) -> FetchFailed:
    answer.close()
    if answer.code == http.HTTPStatus.NOT_FOUND:
        return FetchFailed(f"{url} is not there (404)", fix="check the name, the version and the address")
    if answer.code in {http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.FORBIDDEN}:
        return FetchFailed(
            f"{url} is not public ({answer.code})", fix="only what is public is fetched; use a public mirror"
        )
    return FetchFailed(f"{url} answers with status {answer.code}", fix="try again later")


def _unreachable(url: str, problem: Exception) -> FetchFailed:
    host = urllib.parse.urlsplit(url).hostname
    return FetchFailed(
        f"{host} cannot be reached ({_reason(problem)})",
        fix="connect to the network, or set HTTPS_PROXY; what is in the cache already needs neither",
    )


def _reason(problem: Exception | None) -> str:
    inner = getattr(problem, "reason", None) or problem
    return str(getattr(inner, "strerror", None) or inner)[:200]
