"""Answers that are given again when a client asks again, since it never got the first one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

_KEPT = 512


class _Answer(NamedTuple):
    status: str
    headers: list[tuple[str, str]]
    body: list[bytes]


class Answers:
    """The last answers that something was done for, by the number that an AWS SDK gives to all attempts of one call.

    A connection that breaks under load makes the SDK ask once more; without this, the second attempt to delete would
    hear that there is nothing to delete, and fail.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _Answer] = OrderedDict()

    def once(self, environ: Environ, start_response: StartResponse, application: Application) -> Iterable[bytes]:
        """Return the application's answer; that of an earlier attempt of the same call where it succeeded."""
        call = str(environ.get("HTTP_AMZ_SDK_INVOCATION_ID", ""))
        answer = self._kept.get(call) if call else None
        if answer is None:
            begun: list[tuple[str, list[tuple[str, str]]]] = []

            def begin(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
                begun.append((status, headers))

            body = list(application(environ, begin))
            answer = _Answer(*begun[-1], body)
            if call and answer.status.startswith("2"):
                self._kept[call] = answer
                if len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        start_response(answer.status, answer.headers)
        return answer.body
