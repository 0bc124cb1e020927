"""What holds for every engine, with the exceptions by name: bases are siblings, and none may lack what others have."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from modelyard.tooling import Completed, run
from tests.manifests.composition import BASES, Resource, engine_facts, names, one, pod_templates, shipped, workload

ENGINES = names(BASES / "serving")
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
# KubeRay adds probes that ask the node and its Serve proxy.
PROBED_BY_OPERATOR = {"RayService"}
# A path that tells of the server around the engine, and not of the engine: what is alive is asked for a token.
ASKS_FOR_A_TOKEN = {"triton-vllm"}
# Servers that wait for requests in flight without being told.
WAITS_BY_ITSELF = {"mlserver", "triton-vllm"}
# Groups whose ranks answer nothing once one is lost; Ray's head notices a lost worker itself.
GROUPS = {"LeaderWorkerSet"}


def templates(engine: str) -> dict[str, Resource]:
    return pod_templates(shipped(BASES / "serving" / engine))


def main(template: Resource) -> dict[str, Any]:
    found: dict[str, Any] = template["spec"]["containers"][0]
    return found


@pytest.mark.parametrize("engine", ENGINES)
def test_every_pod_waits_for_the_last_requests_before_it_ends(engine: str) -> None:
    for role, template in templates(engine).items():
        wait = main(template)["lifecycle"]["preStop"]["sleep"]["seconds"]
        grace = template["spec"]["terminationGracePeriodSeconds"]
        arguments = " ".join(main(template).get("args", ()))
        drain = 60 if "--shutdown-timeout=60" in arguments or engine in WAITS_BY_ITSELF else 0
        assert 15 <= wait + drain <= grace - 15, (role, wait, drain, grace)
        assert wait + drain >= 45, f"{role}: nothing waits for requests in flight"


@pytest.mark.parametrize("engine", ENGINES)
def test_probes_ask_the_engine(engine: str) -> None:
    template = next(iter(templates(engine).values()))
    probes = {name: main(template)[name] for name in PROBES if name in main(template)}
    if engine_facts(engine)["workload"] in PROBED_BY_OPERATOR:
        assert not probes, "with one of the user's own KubeRay adds none"
        return
    assert set(probes) == set(PROBES)
    if engine in ASKS_FOR_A_TOKEN:
        assert "/v1/completions" in probes["livenessProbe"]["exec"]["command"][-1]
    else:
        # vLLM's /health asks the engine's core; MLServer's is ready before it has a model, so the model is asked for.
        if engine == "mlserver":
            assert probes.pop("livenessProbe")["httpGet"]["path"] == "/v2/health/live"
            assert {each["httpGet"]["path"] for each in probes.values()} == {"/v2/models/serving/ready"}
            return
        assert {each["httpGet"]["path"] for each in probes.values()} == {"/health"}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_budget_speaks_of_one_role(engine: str) -> None:
    resources = shipped(BASES / "serving" / engine)
    budget = one(resources, "PodDisruptionBudget")["spec"]
    if workload(resources)["kind"] == "RayService":
        assert budget["selector"]["matchLabels"]["ray.io/node-type"] == "worker"
    else:
        assert budget["maxUnavailable"] == 1
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


@pytest.mark.parametrize("engine", ENGINES)
def test_pods_tolerate_their_device_and_the_loss_of_a_node_only_where_a_group_hangs(engine: str) -> None:
    for role, template in templates(engine).items():
        tolerations = template["spec"].get("tolerations", [])
        kinds = {"gpu": "nvidia.com/gpu", "neuron": "aws.amazon.com/neuron", "cpu": None}
        devices = kinds[engine_facts(engine)["accelerator"]]
        assert role == "head" or devices is None or any(each["key"] == devices for each in tolerations)
        lost = {each["key"]: each["tolerationSeconds"] for each in tolerations if each["effect"] == "NoExecute"}
        soon = {"node.kubernetes.io/not-ready": 30, "node.kubernetes.io/unreachable": 30}
        assert lost == (soon if engine_facts(engine)["workload"] in GROUPS else {})


@contextmanager
def server(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[int]:
    """Serve what an engine's frontend would say to a question for one token; yield the port."""

    class Frontend(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            answer(self)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Frontend)
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    try:
        yield listening.server_address[1]
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()


def asked_for_a_token(port: int) -> Completed:
    """Run Triton's liveness probe, with a shorter wait, against a port of this machine."""
    (_, flag, script) = main(next(iter(templates("triton-vllm").values())))["livenessProbe"]["exec"]["command"]
    script = script.replace("127.0.0.1:8000", f"127.0.0.1:{port}").replace("timeout=10", "timeout=0.2")
    return run([sys.executable, flag, script], timeout=60, env={"MODEL_NAME": "chat"})


def test_a_dead_engine_is_restarted_and_a_busy_one_is_not() -> None:
    done = threading.Event()

    def healthy(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        request.wfile.write(b"{}")

    def dead(request: BaseHTTPRequestHandler) -> None:
        request.send_error(500, "Error generating stream")

    def busy(request: BaseHTTPRequestHandler) -> None:
        done.wait()

    with server(healthy) as port:
        assert asked_for_a_token(port).returncode == 0
    with server(dead) as port:
        assert asked_for_a_token(port).returncode != 0
    with server(busy) as port:
        assert asked_for_a_token(port).returncode == 0
        done.set()
    assert asked_for_a_token(port).returncode != 0, "nobody listens any more"
