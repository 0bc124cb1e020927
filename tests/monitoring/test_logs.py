"""Logs: what is sent where, by whom, how long it is kept; the scripts are run."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.manifests.composition import BASES, Resource, load, shipped

PLATFORM = BASES / "platform"
SENDERS = ("fluent-bit-cloudwatch", "fluent-bit-opensearch")
every_sender = pytest.mark.parametrize("component", SENDERS)


def named(component: str, kind: str, name: str) -> Resource:
    (found,) = (
        resource
        for resource in shipped(PLATFORM / component)
        if resource["kind"] == kind and re.fullmatch(rf"{name}(-[a-z0-9]{{10}})?", resource["metadata"]["name"])
    )
    return found


def container(component: str) -> Resource:
    (found,) = named(component, "DaemonSet", "fluent-bit")["spec"]["template"]["spec"]["containers"]
    return dict(found)


@every_sender
def test_every_variable_of_the_settings_is_in_the_container(component: str) -> None:
    text = named(component, "ConfigMap", "fluent-bit")["data"]["fluent-bit.yaml"]
    text += named(component, "ConfigMap", "fluent-bit-outputs")["data"]["outputs.yaml"]
    asked = set(re.findall(r"\$\{(\w+)\}", text))
    assert asked
    assert asked <= {item["name"] for item in container(component)["env"]}


@every_sender
def test_settings_hold_together(component: str) -> None:
    settings = yaml.safe_load(named(component, "ConfigMap", "fluent-bit")["data"]["fluent-bit.yaml"])
    outputs = yaml.safe_load(named(component, "ConfigMap", "fluent-bit-outputs")["data"]["outputs.yaml"])
    assert settings["includes"] == ["outputs.yaml"]
    (read,) = settings["pipeline"]["inputs"]
    (sent,) = outputs["pipeline"]["outputs"]
    assert sent["match"] == settings["pipeline"]["filters"][0]["match"] == read["tag"]
    mounts = {mount["mountPath"]: mount for mount in container(component)["volumeMounts"]}
    assert any(read["path"].startswith(path) for path in mounts)
    assert any(read["db"].startswith(path) and not mount.get("readOnly") for path, mount in mounts.items())
    assert settings["service"]["http_port"] == container(component)["ports"][0]["containerPort"]
    # What waits for the destination is bounded, and outlives the pod that read it.
    volumes = {
        each["name"]: each
        for each in named(component, "DaemonSet", "fluent-bit")["spec"]["template"]["spec"]["volumes"]
    }
    assert sent["storage.total_limit_size"] == "1G"
    assert volumes["state"]["hostPath"] == {"path": "/var/fluent-bit/state", "type": "DirectoryOrCreate"}


@every_sender
def test_every_node_is_read_and_nothing_is_asked_of_devices(component: str) -> None:
    pod = named(component, "DaemonSet", "fluent-bit")["spec"]["template"]["spec"]
    assert pod["tolerations"] == [{"operator": "Exists"}]
    assert "nodeSelector" not in pod and "affinity" not in pod


def test_one_place_for_logs() -> None:
    for component, other in zip(SENDERS, reversed(SENDERS), strict=True):
        assert load(PLATFORM / component / "component.yaml")["excludes"] == [other]


# --------------------------------------------------------------------------------------------------- OpenSearch


def test_fluent_bit_reaches_opensearch_by_a_name_in_its_certificate() -> None:
    (sent,) = yaml.safe_load((PLATFORM / "fluent-bit-opensearch" / "outputs.yaml").read_text())["pipeline"]["outputs"]
    service = named("opensearch", "Service", "opensearch")
    assert sent["host"] == f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc"
    assert sent["port"] == service["spec"]["ports"][0]["port"]
    assert (sent["tls"], sent["tls.verify"]) == ("on", "on")
    assert f"DNS:{sent['host']}," in (PLATFORM / "opensearch" / "credentials.sh").read_text()
    text = named("fluent-bit-opensearch", "ExternalSecret", "data-source-opensearch")["spec"]["target"]["template"]
    assert f"https://{sent['host']}:{sent['port']}" in text["data"]["opensearch.yaml"]


def test_users_may_do_what_they_are_for_and_no_more() -> None:
    folder = PLATFORM / "opensearch"
    mapping, roles = load(folder / "roles_mapping.yml"), load(folder / "roles.yml")
    users = yaml.safe_load(
        re.sub(
            r"\{\{.*?\}\}",
            "x",
            named("opensearch", "ExternalSecret", "opensearch")["spec"]["target"]["template"]["data"][
                "internal_users.yml"
            ],
        )
    )
    assert set(users) == {"_meta", "admin", "fluent-bit", "grafana"}
    assert mapping["write_logs"]["users"] == ["fluent-bit"]
    assert mapping["read_logs"]["users"] == ["grafana"]
    for role, writes in (("write_logs", True), ("read_logs", False)):
        (index,) = roles[role]["index_permissions"]
        assert index["index_patterns"] == ["logs-*"]
        assert ("index" in index["allowed_actions"]) is writes


def test_indices_are_those_that_are_written_read_and_dropped() -> None:
    (sent,) = yaml.safe_load((PLATFORM / "fluent-bit-opensearch" / "outputs.yaml").read_text())["pipeline"]["outputs"]
    folder = PLATFORM / "opensearch"
    policy = json.loads((folder / "retention.json").read_text())["policy"]
    template = json.loads((folder / "template.json").read_text())
    pattern = f"{sent['logstash_prefix']}-*"
    assert policy["ism_template"][0]["index_patterns"] == template["index_patterns"] == [pattern]
    assert policy["states"][0]["transitions"] == [{"state_name": "dropped", "conditions": {"min_index_age": "14d"}}]
    assert policy["states"][1]["actions"] == [{"delete": {}}]
    assert template["template"]["settings"]["index.number_of_replicas"] == 1


def test_three_nodes_keep_logs_on_encrypted_volumes() -> None:
    spec = named("opensearch", "StatefulSet", "opensearch")["spec"]
    names = [f"opensearch-{number}" for number in range(spec["replicas"])]
    settings = load(PLATFORM / "opensearch" / "opensearch.yml")
    assert settings["cluster.initial_cluster_manager_nodes"] == ",".join(names) and len(names) == 3
    assert settings["discovery.seed_hosts"] == spec["serviceName"]
    (claim,) = spec["volumeClaimTemplates"]
    (kind,) = (item for item in shipped(PLATFORM / "storage") if item["kind"] == "StorageClass")
    assert claim["spec"]["storageClassName"] == kind["metadata"]["name"]
    assert kind["parameters"]["encrypted"] == "true"
    assert settings["plugins.security.ssl.http.enabled"] is True


# ------------------------------------------------------------------------------------------------------ scripts

BASH = shutil.which("bash") or "bash"
OPENSSL = shutil.which("openssl") or ""


@pytest.mark.skipif(not OPENSSL, reason="openssl is not installed: credentials.sh is not run")
def test_credentials_are_what_the_external_secrets_read(tmp_path: Path) -> None:
    asked = {
        item["remoteRef"]["property"]
        for component in ("opensearch", "fluent-bit-opensearch")
        for resource in shipped(PLATFORM / component)
        if resource["kind"] == "ExternalSecret"
        for item in resource["spec"]["data"]
    }
    stand_in = tmp_path / "htpasswd"  # often not installed; reads the password as the real one does
    stand_in.write_text('#!/bin/sh\nread -r password\necho "$3:hash-of-$password"\necho\n')
    stand_in.chmod(0o755)
    done = subprocess.run(
        [BASH, PLATFORM / "opensearch" / "credentials.sh"],
        capture_output=True,
        text=True,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "DAYS": "2"},
    )
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert asked <= set(made)
    assert made["tls.key"].startswith("-----BEGIN PRIVATE KEY-----\n"), "OpenSearch reads keys in PKCS#8 only"
    for name in ("ca.crt", "tls.crt"):
        (tmp_path / name).write_text(made[name])
    command = [OPENSSL, "verify", "-CAfile", "ca.crt", "tls.crt"]
    verified = subprocess.run(command, cwd=tmp_path, capture_output=True)
    assert verified.returncode == 0, verified.stderr
    assert len({made[f"{user}-password"] for user in ("admin", "fluent-bit", "grafana")}) == 3


class OpenSearch(BaseHTTPRequestHandler):
    """As much of OpenSearch as the settings need: a template, and a policy that is replaced only by its number."""

    def do_GET(self) -> None:
        policy = self.server.policy  # type: ignore[attr-defined]
        if "/_cluster/health" in self.path:
            self.answer(200, {"status": "green"})
        elif policy is None:
            self.answer(404, {"error": {"reason": "Policy not found"}, "status": 404})
        else:
            self.answer(200, {"_id": "logs", "_seq_no": policy[0], "_primary_term": 2, "policy": policy[1]})

    def do_PUT(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server: Any = self.server
        if self.path.startswith("/_index_template/"):
            server.template = body
        elif (
            server.policy is not None and self.path.split("?")[-1] != f"if_seq_no={server.policy[0]}&if_primary_term=2"
        ):
            return self.answer(409, {"error": "version conflict"})
        else:
            server.policy = (0 if server.policy is None else server.policy[0] + 1, body)
        self.answer(200, {"acknowledged": True})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.changed.append((self.path, body))  # type: ignore[attr-defined]
        self.answer(200, {"updated_indices": 3, "failures": False, "failed_indices": []})

    def answer(self, status: int, body: Any) -> None:
        wanted = "Basic " + base64.b64encode(b"admin:it is secret").decode()
        if self.headers["Authorization"] != wanted:
            status, body = 401, {"error": "Unauthorized"}
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    found: Any = ThreadingHTTPServer(("127.0.0.1", 0), OpenSearch)
    found.policy = found.template = None
    found.changed = []
    thread = threading.Thread(target=found.serve_forever, daemon=True)
    thread.start()
    yield found
    found.shutdown()
    found.server_close()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed: apply.sh is not run")
def test_retention_is_set_and_set_again(server: Any) -> None:
    folder = PLATFORM / "opensearch"
    environment = {
        "PATH": os.environ["PATH"],
        "SETTINGS": str(folder),
        "OPENSEARCH": f"http://127.0.0.1:{server.server_port}",
        "ADMIN_PASSWORD": "it is secret",
    }
    for number in range(2):
        done = subprocess.run([BASH, folder / "apply.sh"], capture_output=True, text=True, env=environment, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        assert server.template == json.loads((folder / "template.json").read_text())
        assert server.policy == (number, json.loads((folder / "retention.json").read_text()))
        # An index that is there goes by the copy of the policy that it was given, until it is given another.
        assert server.changed[number:] == [("/_plugins/_ism/change_policy/logs-*", {"policy_id": "logs"})]
        assert "it is secret" not in done.stdout + done.stderr
