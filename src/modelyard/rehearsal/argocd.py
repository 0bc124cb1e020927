"""Argo CD's application controller and repo-server, beside a control plane, with the environment's own settings."""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import orjson

from modelyard.findings import UserError
from modelyard.rehearsal.api import ServedKind, object_path
from modelyard.rehearsal.control_plane import ControlPlane, free_port, listening, started
from modelyard.tooling import require, run, write_whole
from modelyard.tooling.files import unwritable
from modelyard.view import Environment

PROGRAM = "argocd-parts"
GROUP_VERSION = "argoproj.io/v1alpha1"
KINDS = tuple((GROUP_VERSION, kind) for kind in ("Application", "AppProject", "ApplicationSet"))
APPLICATIONS = ServedKind("applications", True)
_LABELS = {"app.kubernetes.io/part-of": "argocd"}
_READY_SECONDS = 60.0
# How long waves wait, in the health check that bases/platform/argocd gives for Applications.
_PATIENCE = re.compile(r"(local patience = )\d+")
_IMPATIENT_SECONDS = 8
# Enough for a repository of a few hundred megabytes of manifests; more than that is no longer a rehearsal.
_CONTROLLER_MEMORY = "1500MiB"


def version() -> str:
    """Return the version of Argo CD that is here, such as `3.2.11`."""
    return run([require(PROGRAM).path, "version"], timeout=60.0).stdout.decode().strip().removeprefix("v")


def namespace_of(view: Environment) -> str:
    """Return the namespace of the environment's root Application, which is Argo CD's own.

    Raises:
        UserError: The environment has no root Application.
    """
    for manifest in view.bootstrap:
        if manifest.kind == "Application":
            return view.namespace_of(manifest) or "argocd"
    raise UserError(
        f"environment {view.name} has no root Application",
        fix=f"put one into environments/{view.name}/bootstrap, which scripts/install.sh applies",
    )


def settings(view: Environment) -> dict[str, dict[str, str]]:
    """Return Argo CD's ConfigMaps as its chart would make them of the environment's values: `configs.cm` and the like.

    Keys that the chart sets of its own accord are not among them.
    """
    found: dict[str, dict[str, str]] = {"argocd-cm": {}, "argocd-cmd-params-cm": {}}
    for values in view.chart_values:
        if values.source.chart != "argo-cd":
            continue
        for layer in values.layers:
            configs = layer.content.get("configs")
            for name, part in (("argocd-cm", "cm"), ("argocd-cmd-params-cm", "params")):
                given = configs.get(part) if isinstance(configs, Mapping) else None
                if isinstance(given, Mapping):
                    found[name].update({str(key): _text(value) for key, value in given.items()})
    return found


def install(plane: ControlPlane, view: Environment, namespace: str, *, patient: bool = True) -> None:
    """Make what Argo CD reads before it starts: its settings and its Secret.

    Args:
        plane: The control plane.
        view: The environment.
        namespace: Argo CD's.
        patient: Whether waves wait for as long as the environment says; else for a few seconds.
    """
    core = ServedKind("configmaps", True)
    for name, data in settings(view).items():
        if not patient:
            data = {key: _PATIENCE.sub(rf"\g<1>{_IMPATIENT_SECONDS}", value) for key, value in data.items()}
        metadata = {"name": name, "namespace": namespace, "labels": _LABELS}
        value = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        plane.api.apply(object_path(core, "v1", namespace, name), value, dry_run=False)
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "argocd-secret", "namespace": namespace, "labels": _LABELS},
        "stringData": {"server.secretkey": secrets.token_urlsafe(32)},
    }
    plane.api.request("POST", object_path(ServedKind("secrets", True), "v1", namespace), secret)


def start(plane: ControlPlane, view: Environment, stack: ExitStack, namespace: str) -> None:
    """Start cache, repo-server and application controller, and wait until the first two listen.

    Args:
        plane: A control plane whose folder holds a kubeconfig.
        view: The environment.
        stack: Holds the programs; closing it kills them.
        namespace: Where Argo CD's settings and Applications are.

    Raises:
        UserError: A program is missing, ended, or does not listen in time.
    """
    program = str(require(PROGRAM).path)
    variables = _variables(plane)
    cache, repositories = free_port(), free_port()
    timeout = settings(view)["argocd-cmd-params-cm"].get("controller.sync.timeout.seconds", "0")
    programs = {
        "argocd-cache": ["cache", f"--address=127.0.0.1:{cache}"],
        "argocd-repo-server": [
            "repo-server",
            "--address=127.0.0.1",
            f"--port={repositories}",
            "--metrics-address=127.0.0.1",
            f"--metrics-port={free_port()}",
            "--disable-tls",
            f"--redis=127.0.0.1:{cache}",
            "--loglevel=warn",
        ],
        "argocd-application-controller": [
            "application-controller",
            f"--namespace={namespace}",
            f"--repo-server=127.0.0.1:{repositories}",
            "--repo-server-plaintext",
            f"--redis=127.0.0.1:{cache}",
            f"--metrics-port={free_port()}",
            f"--sync-timeout={timeout}",
            "--persist-resource-health",
            "--loglevel=warn",
        ],
    }
    for name, words in programs.items():
        begun = time.monotonic()
        running = stack.enter_context(started(plane.folder, name, [program, *words], variables))
        plane.components.append(running)
        port = {"argocd-cache": cache, "argocd-repo-server": repositories}.get(name)
        while port is not None and not listening(port):
            plane.check()
            if time.monotonic() - begun > _READY_SECONDS:
                raise UserError(
                    f"{name} does not listen after {_READY_SECONDS:g} s",
                    fix="run the command again when less else runs on this machine",
                )
            time.sleep(0.05)
        plane.seconds.update({name: time.monotonic() - begun} if port is not None else {})


def refresh(plane: ControlPlane, namespace: str) -> None:
    """Have every Application compared with the newest commit at once, as a webhook of the Git host would."""
    annotation = {"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}}
    for each in applications(plane, namespace):
        path = object_path(APPLICATIONS, GROUP_VERSION, namespace, each["metadata"]["name"])
        plane.api.request("PATCH", path, annotation, "application/merge-patch+json")


def applications(plane: ControlPlane, namespace: str) -> list[dict[str, Any]]:
    """Return the Applications as they are now."""
    return list(plane.api.request("GET", object_path(APPLICATIONS, GROUP_VERSION, namespace)).value.get("items", []))


def _variables(plane: ControlPlane) -> dict[str, str | None]:
    """Return an environment in which nothing outside the rehearsal's folder is read or written."""
    folder = plane.folder.path
    programs, scratch = folder / "bin", folder / "scratch"
    try:
        for each in (programs, scratch, *(scratch / name for name in ("tls", "ssh", "gpg", "plugins"))):
            each.mkdir(exist_ok=True)
        if not (programs / "kustomize").is_symlink():
            (programs / "kustomize").symlink_to(require("kustomize").path)
        write_whole(scratch / "ssh" / "ssh_known_hosts", "")
    except OSError as problem:
        raise unwritable(folder, problem) from problem
    return {
        **{name: None for name in os.environ if name.startswith("ARGOCD_") or name == "REDIS_PASSWORD"},
        "KUBECONFIG": str(folder / "kubeconfig"),
        "ARGOCD_FAKE_IN_CLUSTER": "true",  # the cluster that Argo CD runs in is that of the kubeconfig
        "ARGOCD_GPG_ENABLED": "false",
        # In the rehearsal's folder, where programs start: one in /tmp would stay, and keep other users from rehearsing.
        "ARGOCD_ASK_PASS_SOCK": "ask-pass.sock",
        "ARGOCD_TLS_DATA_PATH": str(scratch / "tls"),
        "ARGOCD_SSH_DATA_PATH": str(scratch / "ssh"),
        "ARGOCD_GNUPGHOME": str(scratch / "gpg"),
        "ARGOCD_PLUGINSOCKFILEPATH": str(scratch / "plugins"),
        "HOME": str(scratch),
        "TZ": "UTC",  # as in Argo CD's image
        "TMPDIR": str(scratch),
        "PATH": f"{programs}:{os.environ.get('PATH', os.defpath)}",
        "GOMEMLIMIT": _CONTROLLER_MEMORY,
    }


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return orjson.dumps(value).decode()
