"""The mock AWS account: a process beside the control plane, and what is asked of it and told to it."""

from __future__ import annotations

import http.client
import json
import os
import sys
import time
from contextlib import ExitStack
from typing import Any

from modelyard.findings import ExitCode, UserError
from modelyard.rehearsal.cloud.mock_aws.scope import EVENTS_TARGET, MACHINES
from modelyard.rehearsal.control_plane import ControlPlane, started

_READY_SECONDS = 60.0
_POLL_SECONDS = 0.1
_ASK_SECONDS = 60.0
_KEPT = ("TF_CLI_CONFIG_FILE", "TF_PLUGIN_CACHE_DIR")


class MockAccount:
    """An account that holds nothing at first.

    Args:
        plane: The control plane, to whose programs it is added.
        account: Number of the account.
        region: Its region.
        stack: Holds the process; closing it kills it.

    Attributes:
        endpoint: Where all services answer.
        region: The region.
    """

    def __init__(self, plane: ControlPlane, account: str, region: str, stack: ExitStack) -> None:
        self.region = region
        self._plane = plane
        port = plane.folder.path / "mock-aws.port"
        words = [sys.executable, "-m", "modelyard.rehearsal.cloud.mock_aws", account, region, str(port)]
        begun = time.monotonic()
        variables = {**without_own_cloud(), "GOMEMLIMIT": None, "PYTHONPATH": os.environ.get("PYTHONPATH")}
        process = stack.enter_context(started(plane.folder, "mock-aws", words, variables))
        plane.components.append(process)
        deadline = begun + _READY_SECONDS
        while not port.is_file():
            plane.check()
            if time.monotonic() > deadline:
                raise UserError(
                    f"the mock AWS was not ready within {_READY_SECONDS:g} s",
                    fix="run the command again when less else runs on this machine",
                    exit_code=ExitCode.USAGE,
                )
            time.sleep(_POLL_SECONDS)
        plane.seconds["mock-aws"] = time.monotonic() - begun
        self._port = int(port.read_text("utf-8"))
        self.endpoint = f"http://127.0.0.1:{self._port}"

    def variables(self) -> dict[str, str | None]:
        """Return what a program needs in its environment to speak to this account, and to no other."""
        return without_own_cloud() | {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def machines(self) -> list[dict[str, Any]]:
        """Return what the kubelets of the machines that run would know of them."""
        return list(self._ask("GET", MACHINES, None, {})["machines"])

    def put_event(self, source: str, detail_type: str, detail: dict[str, Any], resources: list[str]) -> None:
        """Put an event on the account's bus, as the service of that name would; its rules and targets decide the rest.

        Raises:
            UserError: The bus does not take it.
        """
        entry = {"Source": source, "DetailType": detail_type, "Detail": json.dumps(detail), "Resources": resources}
        credential = f"Credential=none/20200101/{self.region}/events/aws4_request"
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": EVENTS_TARGET,
            "Authorization": f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=none",
        }
        answer = self._ask("POST", "/", {"Entries": [entry]}, headers)
        if answer.get("FailedEntryCount"):
            raise UserError(f"the mock AWS does not take an event: {answer}")

    def _ask(self, method: str, path: str, body: Any, headers: dict[str, str]) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_ASK_SECONDS)
        try:
            connection.request(method, path, None if body is None else json.dumps(body).encode(), headers)
            response = connection.getresponse()
            found = dict(json.loads(response.read()))
        except (OSError, ValueError, http.client.HTTPException) as problem:
            time.sleep(0.2)  # a killed server closes its connections before its end can be seen
            self._plane.check()
            raise UserError(f"the mock AWS does not answer: {problem}") from problem
        finally:
            connection.close()
        if response.status >= 400:
            raise UserError(f"the mock AWS does not answer: {found.get('message') or found}")
        return found


def without_own_cloud() -> dict[str, str | None]:
    """Return an environment that takes away what this user has set for AWS and Terraform.

    Where Terraform finds providers stays.
    """
    return {name: None for name in os.environ if name.startswith(("AWS_", "TF_")) and name not in _KEPT}
