"""etcd and kube-apiserver on this machine, for the length of a block: loopback only, no root."""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modelyard.findings import ExitCode, UserError
from modelyard.rehearsal.api import Api, Unreachable
from modelyard.rehearsal.folders import RunFolder
from modelyard.tooling import find, write_whole
from modelyard.tooling.background import BackgroundProcess, companion
from modelyard.tooling.pins import pins

SERVER = "kube-apiserver"
PROGRAMS = ("etcd", SERVER)
ASSETS = "KUBEBUILDER_ASSETS"

_READY_SECONDS = 120.0
_ETCD_SECONDS = 30.0
_PORT_ATTEMPTS = 5
_POLL_SECONDS = 0.05

# A socket in the folder of the rehearsal: nobody else on the machine can reach it, and no port is needed. etcd wants
# something that looks like a port in the name.
_ETCD_SOCKET = "unix://localhost:1"
_ETCD_PEER_SOCKET = "unix://localhost:2"

# RFC 5915: version 1, a private key of 32 bytes, and the object identifier of the curve P-256, whose order is the last.
_KEY_BEFORE, _KEY_AFTER = bytes.fromhex("30310201010420"), bytes.fromhex("a00a06082a8648ce3d030107")
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

# More garbage collection for less than half of the memory that the server would otherwise take.
_MEMORY_LIMIT = "900MiB"


@dataclass(slots=True)
class ControlPlane:
    """A running API server and what it needs.

    Attributes:
        api: Client of the API server.
        version: Version of Kubernetes that it says it is.
        folder: Folder of the rehearsal.
        components: The running programs, in the order in which they were started.
        seconds: How long each took until it was ready, by its name.
    """

    api: Api
    folder: RunFolder
    version: str = ""
    components: list[BackgroundProcess] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def check(self) -> None:
        """Do nothing while every program runs.

        Raises:
            UserError: One has ended, with its last words.
        """
        for each in self.components:
            if each.returncode is not None:
                raise ended(each)


def ended(component: BackgroundProcess) -> UserError:
    """Return the refusal for a program that ended by itself."""
    lines = component.last_lines(200)
    # A program in Go that gives up says why before it lists where it was.
    given_up = [line for line in lines if line.startswith(("panic:", "fatal error:"))]
    said = "; ".join(line[:300] for line in given_up[:1] or lines[-2:])
    return UserError(
        f"{component.how_it_ended()} in the middle of the rehearsal{f': {said}' if said else ''}",
        fix="run the command again; if it stays so, look whether memory or disk ran out",
    )


def programs(version: str = "") -> dict[str, Path]:
    """Return where etcd and kube-apiserver are: in the folder that KUBEBUILDER_ASSETS names, else as installed.

    Args:
        version: Version of Kubernetes that is wanted, such as `1.36`; where no server of its minor version is
            installed, the other one stands for it.

    Raises:
        UserError: One of them is nowhere.
    """
    assets = os.environ.get(ASSETS)
    if assets:
        given = {name: Path(assets) / name for name in PROGRAMS}
        for path in given.values():
            if not path.is_file():
                raise UserError(
                    f"{ASSETS} is {assets}, which holds no {path.name}",
                    fix="name a folder with etcd and kube-apiserver, or unset it and build them",
                )
        return given
    found = {}
    own = server_of(version)
    for name in PROGRAMS:
        executable = (find(own) if name == SERVER else None) or find(name)
        if executable is None:
            raise UserError(f"{name} is not installed, and a rehearsal needs it", fix=how_to_build())
        found[name] = executable.path
    return found


def server_of(version: str) -> str:
    """Return the name of the pinned API server for a version of Kubernetes; that of the others where it has none."""
    own = f"{SERVER}-{'.'.join(version.split('.')[:2])}"
    return own if any(each.name == own for each in pins()) else SERVER


def how_to_build() -> str:
    """Return how the programs are had, with what that costs."""
    return (
        f"run `modelyard tools install {' '.join(PROGRAMS)}`: once, about 8 minutes on two busy processors, and "
        f"gigabytes for Go's caches; or name a folder that holds them with {ASSETS}"
    )


@contextlib.contextmanager
def control_plane(
    folder: RunFolder, report: Callable[[str], None] = lambda text: None, version: str = ""
) -> Iterator[ControlPlane]:
    """Start etcd and kube-apiserver; both are killed when the block ends, however it ends.

    Args:
        folder: Where their files go.
        report: Told what is waited for.
        version: Version of Kubernetes that is wanted, as for `programs`.

    Raises:
        UserError: A program is missing, ended early, or was not ready in time.
    """
    where = programs(version)
    with contextlib.ExitStack() as stack:
        report("starting etcd")
        begun = time.monotonic()
        etcd = stack.enter_context(started(folder, "etcd", _etcd_words(where["etcd"])))
        _until(
            lambda: _etcd_is_healthy(folder.path / _ETCD_SOCKET.removeprefix("unix://")), _ETCD_SECONDS, [etcd], "etcd"
        )
        etcd_seconds = time.monotonic() - begun
        report("starting kube-apiserver")
        for attempt in range(_PORT_ATTEMPTS):
            try:
                plane = stack.enter_context(_serving(folder, where["kube-apiserver"], etcd))
                break
            except _PortTaken:
                if attempt == _PORT_ATTEMPTS - 1:
                    raise
        plane.seconds["etcd"] = etcd_seconds
        yield plane


class _PortTaken(UserError):
    """Another program was faster to take the port that was free."""


@contextlib.contextmanager
def _serving(folder: RunFolder, program: Path, etcd: BackgroundProcess) -> Iterator[ControlPlane]:
    certificates = folder.path / f"certificates-{secrets.token_hex(4)}"
    token = secrets.token_urlsafe(32)
    tokens = folder.path / "tokens.csv"
    write_whole(tokens, f'{token},modelyard,modelyard,"system:masters"\n', mode=0o600)
    key = folder.path / "service-accounts.key"
    write_whole(key, signing_key(), mode=0o600)
    port = free_port()
    words = [
        str(program),
        f"--etcd-servers={_ETCD_SOCKET}",
        f"--secure-port={port}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--cert-dir={certificates}",
        f"--token-auth-file={tokens}",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-signing-key-file={key}",
        f"--service-account-key-file={key}",
        # A pod's service account exists only once a controller has made it.
        "--disable-admission-plugins=ServiceAccount",
        "--endpoint-reconciler-type=none",
        "--profiling=false",
        "--allow-privileged=true",  # as on EKS, for what works on devices
        "--v=0",
    ]
    begun = time.monotonic()
    with started(folder, "kube-apiserver", words) as server:
        plane = ControlPlane(Api(port, token, certificates / "apiserver.crt"), folder, components=[etcd, server])
        try:
            _until(lambda: _ready(plane.api, certificates), _READY_SECONDS, plane.components, "kube-apiserver")
        except UserError:
            if any("address already in use" in line for line in server.last_lines(20)):
                raise _PortTaken(f"port {port} was taken by another program while kube-apiserver started") from None
            raise
        plane.seconds["kube-apiserver"] = time.monotonic() - begun
        version = plane.api.request("GET", "/version").value
        plane.version = str(version.get("gitVersion", "")).removeprefix("v")
        yield plane


def _etcd_words(program: Path) -> list[str]:
    return [
        str(program),
        "--data-dir=etcd",
        f"--listen-client-urls={_ETCD_SOCKET}",
        f"--advertise-client-urls={_ETCD_SOCKET}",
        f"--listen-peer-urls={_ETCD_PEER_SOCKET}",
        f"--initial-advertise-peer-urls={_ETCD_PEER_SOCKET}",
        f"--initial-cluster=default={_ETCD_PEER_SOCKET}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


@contextlib.contextmanager
def started(
    folder: RunFolder, name: str, words: list[str], environment: Mapping[str, str | None] | None = None
) -> Iterator[BackgroundProcess]:
    """Run a program of the control plane for the length of a block, its output and its id in the folder."""
    variables: dict[str, str | None] = {"GOMEMLIMIT": _MEMORY_LIMIT, "KUBECONFIG": None, **(environment or {})}
    log = folder.path / f"{name}.log"
    with companion(words, log=log, cwd=folder.path, env=variables, name=name) as running:
        folder.remember(running)
        yield running


def _etcd_is_healthy(path: Path) -> bool:
    here = os.open(path.parent, os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5.0)
            # An address of this kind holds about a hundred characters, which a cache's path may exceed.
            connection.connect(f"/proc/self/fd/{here}/{path.name}" if Path("/proc/self/fd").is_dir() else str(path))
            connection.sendall(b"GET /health HTTP/1.0\r\n\r\n")
            return b" 200 " in connection.recv(64)
    except OSError:
        return False
    finally:
        os.close(here)


def _ready(api: Api, certificates: Path) -> bool:
    if not (certificates / "apiserver.crt").is_file():
        return False
    try:
        return api.request("GET", "/readyz").ok
    except (Unreachable, OSError):
        return False


def _until(condition: Callable[[], bool], seconds: float, components: list[BackgroundProcess], name: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        for each in components:
            if each.returncode is not None:
                raise ended(each)
        if time.monotonic() >= deadline:
            said = "; ".join(line[:300] for each in components for line in each.last_lines(1))
            raise UserError(
                f"{name} was not ready within {seconds:g} s{f': {said}' if said else ''}",
                fix="run the command again when less else runs on this machine",
                exit_code=ExitCode.USAGE,
            )
        time.sleep(_POLL_SECONDS)


def signing_key() -> str:
    """Return a new private key for tokens of service accounts, as PEM.

    The public half is left out, as RFC 5915 allows: whoever reads the key computes it.
    """
    number = secrets.randbelow(_P256_ORDER - 1) + 1
    encoded = base64.b64encode(_KEY_BEFORE + number.to_bytes(32, "big") + _KEY_AFTER).decode()
    return f"-----BEGIN EC PRIVATE KEY-----\n{encoded[:64]}\n{encoded[64:]}\n-----END EC PRIVATE KEY-----\n"


def listening(port: int) -> bool:
    """Return whether a program listens on a port of the loopback address."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """Return a port of the loopback address that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
