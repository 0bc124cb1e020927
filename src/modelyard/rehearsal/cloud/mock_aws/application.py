"""The mock as one web application: answers of its own before moto's."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs

from modelyard.rehearsal.cloud.mock_aws.answers import Answers, Environ, StartResponse
from modelyard.rehearsal.cloud.mock_aws.eks import Eks
from modelyard.rehearsal.cloud.mock_aws.instances import Machines
from modelyard.rehearsal.cloud.mock_aws.json_services import Targets
from modelyard.rehearsal.cloud.mock_aws.mends import mend_capacity, mend_ec2, mend_efs
from modelyard.rehearsal.cloud.mock_aws.names import mend_endpoints, mend_principals
from modelyard.rehearsal.cloud.mock_aws.scope import GAP, MACHINES, Json, NotFound, Refused, Scope
from modelyard.tooling import write_whole

_lock = threading.Lock()


class StandIn:
    """A WSGI application before moto's.

    Args:
        moto: moto's own.
        scope: Account and region.
    """

    def __init__(self, moto: Callable[[Environ, StartResponse], Iterable[bytes]], scope: Scope) -> None:
        mend_ec2()
        mend_capacity()
        mend_efs()
        mend_endpoints(scope)
        mend_principals()
        self._moto = moto
        self._scope = scope
        self._machines = Machines(scope)
        self._eks = Eks(scope, self._machines.make_security_group, self._machines.vpc_of)
        self._targets = Targets(scope)
        self._answers = Answers()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request, or leave it to moto."""
        scope = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
        service = scope[1] if scope else ""
        raw = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = _Again(raw)
        if service == "sqs":
            return self._moto(environ, start_response)  # whoever polls a queue waits, and must not keep others waiting
        with _lock:
            return self._answers.once(environ, start_response, partial(self._reply_to, service, raw))

    def _reply_to(self, service: str, raw: bytes, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        try:
            answer = self._answer(service, environ, raw)
        except NotFound as error:
            name = "ResourceNotFoundException" if service == "eks" else str(error)
            return _reply(start_response, "404 Not Found", {"__type": name, "message": name}, name)
        except Refused as error:
            told = {"__type": error.code, "message": str(error)}
            return _reply(start_response, "400 Bad Request", told, error.code)
        except Exception as error:
            # The provider retries what looks like a server's fault; a gap of the stand-in must end the run.
            said = f"{type(error).__name__}: {error}"
            return _reply(start_response, "400 Bad Request", {"__type": GAP, "message": said}, GAP)
        if answer is not None:
            return _reply(start_response, "200 OK", answer)
        return self._moto(environ, start_response)

    def _answer(self, service: str, environ: Environ, raw: bytes) -> Json | None:
        if service == "eks":
            body = json.loads(raw) if raw else {}
            return self._eks.answer(
                environ["REQUEST_METHOD"],
                str(environ.get("RAW_URI") or environ["PATH_INFO"]).partition("?")[0],
                parse_qs(environ["QUERY_STRING"]),
                body,
            )
        if not service and environ["PATH_INFO"] == MACHINES:
            return {"machines": [self._with_entry(each) for each in self._machines.running()]}
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if service in {"fsx", "budgets", "ecr", "servicequotas"} and target:
            return self._targets.answer(service, target.rpartition(".")[2], json.loads(raw or b"{}"))
        return None

    def _with_entry(self, machine: Json) -> Json:
        """Add which clusters admit the machine's role, and as what."""
        entries = self._eks.entries(machine["role"])
        return {**machine, "admitted": {cluster: entry.get("type", "STANDARD") for cluster, entry in entries.items()}}


class _Again:
    """A request's body, to be read a second time."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, all of them unless `size` says how many."""
        size = len(self._raw) if size is None or size < 0 else size
        taken, self._raw = self._raw[:size], self._raw[size:]
        return taken


def _reply(start_response: StartResponse, status: str, body: Json, error: str = "") -> Iterable[bytes]:
    headers = [("Content-Type", "application/x-amz-json-1.1")]
    if error:
        headers.append(("x-amzn-ErrorType", error))
    start_response(status, headers)
    return [json.dumps(body).encode()]


def serve(scope: Scope, port_file: Path) -> None:
    """Serve on a free port of the loopback address until the process is ended.

    Args:
        scope: Account and region.
        port_file: Written once it listens, with the port.
    """
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, StandIn(moto, scope), threaded=True)
    write_whole(port_file, f"{server.server_port}\n")
    server.serve_forever()
