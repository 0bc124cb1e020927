"""The question that the feature `smoke-test` asks, put by its own script to a server that answers like vLLM."""

from __future__ import annotations

import io
import json
import os
import shutil
import threading
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from modelyard.tooling import Completed, run
from tests.manifests.composition import BASES, load

JOB = load(BASES / "features" / "smoke-test" / "job.yaml")
CHAT, EMBEDDINGS, SPEECH = "/v1/chat/completions", "/v1/embeddings", "/v1/audio/transcriptions"
IMAGES = "/v1/images/generations"
ANSWER = {"model": "chat", "choices": [{"message": {"content": "Blue"}}], "usage": {"completion_tokens": 2}}
SILENCE = {**ANSWER, "usage": {"completion_tokens": 0}}
IMAGE = {"created": 1, "data": [{"b64_json": "iVBORw0KGgo=" * 40_000}]}
VECTOR = {"model": "chat", "data": [{"embedding": [-0.25, 0.5]}]}
SHOWN = {"model": "chat", "choices": [{"message": {"content": [{"type": "image_url", "image_url": {"url": "data:"}}]}}]}
ERROR = {"error": {"message": "The model `chat` does not exist.", "code": 404}}

Answers = dict[str, tuple[int, dict[str, Any]]]


def question(kind: str, body: bytes) -> dict[str, Any]:
    """Return what was asked: JSON, or the fields of a form with the length of the sound in it."""
    if not kind.startswith("multipart/form-data"):
        return dict(json.loads(body))
    form = BytesParser().parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
    fields: dict[str, Any] = {}
    for part in form.get_payload():
        assert isinstance(part, Message)
        name, content = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
        assert isinstance(name, str) and isinstance(content, bytes)
        fields[name] = content.decode() if name != "file" else content
    with wave.open(io.BytesIO(fields.pop("file"))) as sound:
        return {**fields, "seconds": sound.getnframes() / sound.getframerate(), "channels": sound.getnchannels()}


@contextmanager
def server(answers: Answers) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Answer each path as told, 404 otherwise; yield the address and the list of what was asked."""
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(question(self.headers["Content-Type"], self.body()))
            status, answer = answers.get(self.path, (404, ERROR))
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def body(self) -> bytes:
            """Read what was sent, whole or in pieces."""
            if "Content-Length" in self.headers:
                return self.rfile.read(int(self.headers["Content-Length"]))
            pieces = []
            while size := int(self.rfile.readline(), 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(pieces)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{running.server_address[1]}", asked
    finally:
        running.shutdown()
        thread.join()
        running.server_close()


def smoke_test(url: str, folder: Path) -> Completed:
    """Run the job's script."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed: the smoke test's script is not run")
    main = JOB["spec"]["template"]["spec"]["containers"][0]
    environment = {"PATH": os.environ["PATH"], "MODEL_NAME": "chat", "URL": url, "no_proxy": "127.0.0.1"}
    return run([*main["command"], *main["args"]], cwd=folder, timeout=60, env=environment)


@pytest.mark.parametrize(
    ("answers", "passes"),
    [
        pytest.param({CHAT: (200, ANSWER)}, True, id="an answer"),
        pytest.param({CHAT: (200, SILENCE)}, False, id="an answer of no tokens"),
        pytest.param({CHAT: (200, ERROR)}, False, id="an error called success"),
        pytest.param({EMBEDDINGS: (200, VECTOR)}, True, id="a vector from a model that only embeds"),
        pytest.param({EMBEDDINGS: (200, {"data": []})}, False, id="no vector"),
        pytest.param({SPEECH: (200, {"text": ""})}, True, id="a text from a model that only transcribes"),
        pytest.param({SPEECH: (400, ERROR)}, False, id="a model that cannot read sound"),
        pytest.param({SPEECH: (200, {"segments": []})}, False, id="no text"),
        pytest.param({IMAGES: (200, IMAGE)}, True, id="an image"),
        pytest.param({IMAGES: (200, IMAGE), CHAT: (200, SHOWN)}, True, id="an image from what shows it in chats too"),
        pytest.param({IMAGES: (200, {"data": [{"url": "http://x/y.png"}]})}, False, id="an image elsewhere"),
        pytest.param({IMAGES: (200, {"data": [{"b64_json": ""}]})}, False, id="no image"),
        pytest.param({}, False, id="none of them"),
        pytest.param({CHAT: (400, ERROR), EMBEDDINGS: (400, ERROR)}, False, id="refusals"),
    ],
)
def test_only_an_answer_of_the_right_shape_passes(tmp_path: Path, answers: Answers, passes: bool) -> None:
    with server(answers) as (url, asked):
        completed = smoke_test(url, tmp_path)
    assert (completed.returncode == 0) is passes, completed.stderr
    assert asked
    assert all(question["model"] == "chat" for question in asked)


def test_a_model_that_transcribes_is_given_a_second_of_silence(tmp_path: Path) -> None:
    with server({SPEECH: (200, {"text": ""})}) as (url, asked):
        assert smoke_test(url, tmp_path).returncode == 0
    assert asked[-1] == {"model": "chat", "seconds": 1.0, "channels": 1}


def test_the_question_goes_to_the_service_of_the_model() -> None:
    variables = {item["name"]: item for item in JOB["spec"]["template"]["spec"]["containers"][0]["env"]}
    engine = load(BASES / "serving" / "vllm" / "engine.yaml")
    assert variables["URL"]["value"] == f"http://$(MODEL_NAME):{engine['port']}"
    assert variables["MODEL_NAME"]["valueFrom"]["fieldRef"]["fieldPath"].endswith("['app.kubernetes.io/instance']")


def test_it_runs_after_each_sync_and_ends_within_the_sync_s_limit() -> None:
    annotations = JOB["metadata"]["annotations"]
    assert annotations["argocd.argoproj.io/hook"] == "PostSync"
    assert annotations["argocd.argoproj.io/hook-delete-policy"] == "BeforeHookCreation"
    params = load(BASES / "platform" / "argocd" / "values.yaml")["configs"]["params"]
    assert JOB["spec"]["activeDeadlineSeconds"] < int(params["controller.sync.timeout.seconds"])
