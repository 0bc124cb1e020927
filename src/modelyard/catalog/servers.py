"""What the servers of engines listen on, and the paths that they answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from modelyard.catalog.loading import DATA, read_yaml


@dataclass(frozen=True, slots=True)
class Server:
    """The server of an engine.

    Attributes:
        title: What it is called in sentences.
        port_flag: The flag that sets its port.
        port: The port that it listens on when nothing sets one.
        host_flag: The flag that sets the address that it listens on; without it, all of them.
        metrics: The path of its metrics.
        paths: What it answers to GET.
        optional: What it answers to GET when it is told so.
        tls_flags: Flags by which it speaks HTTPS alone.
        socket_flag: The flag by which it listens on a socket file, and on no port; empty where there is none.
        key_flag: The flag that asks callers for a key.
        key_variable: The environment variable that does the same.
        key_below: What is below this path answers 401 to a caller without the key.
    """

    title: str
    port_flag: str
    port: int
    host_flag: str
    metrics: str
    paths: frozenset[str]
    optional: frozenset[str]
    tls_flags: tuple[str, ...] = ()
    socket_flag: str = ""
    key_flag: str = ""
    key_variable: str = ""
    key_below: str = ""


@cache
def servers() -> Mapping[str, Server]:
    """Return the servers by the engine that they belong to."""
    found = {}
    for name, entry in read_yaml(DATA / "servers.yaml").items():
        key = entry.get("key") or {}
        found[name] = Server(
            title=entry["title"],
            port_flag=entry["port"]["flag"],
            port=entry["port"]["default"],
            host_flag=entry["host"],
            metrics=entry["metrics"],
            paths=frozenset(entry["paths"]),
            optional=frozenset(entry["optional"]),
            tls_flags=tuple(entry.get("tls") or ()),
            socket_flag=entry.get("socket") or "",
            key_flag=key.get("flag", ""),
            key_variable=key.get("variable", ""),
            key_below=key.get("below", ""),
        )
    return MappingProxyType(found)
