"""Train models, serve each by the real MLServer as its pod would, and print what the server adds to a call.

Usage: python scripts/serving_real.py [--write]

Run by `make serving-real`, which installs the packages of the image (`images/mlserver/requirements.txt`) with a mock of
S3 into an environment of its own. What runs is what is deployed: the script of the init container and the environment
variables come from `bases/serving/mlserver/deployment.yaml`, the settings from the overlays. `--write` writes the page
in `docs/`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "serving-on-cpus.md"
BIN = Path(sys.executable).parent
BUCKET = "weights"
REQUESTS = 200
ANSWER_SECONDS = 90


@dataclass(frozen=True)
class Trained:
    """A model that is served.

    Attributes:
        title: What it is.
        overlay: The overlay that serves it.
        content: The artefact.
        rows: The inputs of one request, as the protocol has them.
        output: The output to ask for.
        call: The same call of the library.
    """

    title: str
    overlay: str
    content: bytes
    rows: Sequence[Mapping[str, Any]]
    output: str
    call: Callable[[], Any]


class Refused(Exception):
    """What should have worked did not."""


def trained(folder: Path) -> Iterator[Trained]:
    """Yield a model of every kind that the overlays serve."""
    import joblib
    import lightgbm
    import numpy
    import onnxruntime
    import skl2onnx
    import xgboost
    from sklearn.datasets import make_classification
    from sklearn.decomposition import TruncatedSVD
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import SVC
    from sklearn.tree import DecisionTreeClassifier

    table, labels = make_classification(n_samples=2000, n_features=20, random_state=1)
    row = table[:1]
    tabular = [{"name": "x", "shape": [1, 20], "datatype": "FP64", "data": row.ravel().tolist()}]

    def saved(model: Any) -> bytes:
        joblib.dump(model, folder / "model.joblib")
        return (folder / "model.joblib").read_bytes()

    for title, model in (
        ("decision tree", DecisionTreeClassifier(random_state=1)),
        ("random forest, 100 trees", RandomForestClassifier(100, random_state=1)),
        ("logistic regression", LogisticRegression()),
        ("support vector machine", SVC(random_state=1)),
    ):
        model.fit(table, labels)
        yield Trained(
            f"scikit-learn, {title}",
            "tabular-sklearn-mlserver-cpu",
            saved(model),
            tabular,
            "predict",
            partial(model.predict, row),
        )
    boosted = xgboost.XGBClassifier(n_estimators=100, random_state=1).fit(table, labels)
    boosted.save_model(folder / "model.json")
    content = (folder / "model.json").read_bytes()
    yield Trained(
        "XGBoost, 100 trees",
        "tabular-xgboost-mlserver-cpu",
        content,
        tabular,
        "predict",
        lambda: boosted.predict(row),
    )
    light = lightgbm.LGBMClassifier(n_estimators=100, random_state=1, verbose=-1).fit(table, labels).booster_
    content = light.model_to_string().encode()
    yield Trained(
        "LightGBM, 100 trees",
        "tabular-lightgbm-mlserver-cpu",
        content,
        tabular,
        "predict",
        lambda: light.predict(row),
    )
    network = MLPClassifier((64, 32), random_state=1, max_iter=300).fit(table, labels)
    single = row.astype(numpy.float32)
    content = skl2onnx.to_onnx(network, single, options={"zipmap": False}).SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    yield Trained(
        "ONNX, network of 64 and 32",
        "tabular-onnx-mlserver-cpu",
        content,
        [{"name": "X", "shape": [1, 20], "datatype": "FP32", "data": single.ravel().tolist()}],
        "label",
        lambda: session.run(["label"], {"X": single})[0],
    )
    texts = ["good and nice", "bad and awful", "nice, great", "awful, poor", "great film", "poor film"] * 20
    moods = [1, 0, 1, 0, 1, 0] * 20
    said = [{"name": "text", "shape": [1], "datatype": "BYTES", "data": ["a nice film"]}]
    classifier = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, moods)
    yield Trained(
        "text classifier",
        "text-classifier-sklearn-mlserver-cpu",
        saved(classifier),
        said,
        "predict",
        lambda: classifier.predict(["a nice film"]),
    )
    embedding = make_pipeline(TfidfVectorizer(), TruncatedSVD(4, random_state=1)).fit(texts)
    yield Trained(
        "text embedding",
        "text-embedding-sklearn-mlserver-cpu",
        saved(embedding),
        said,
        "transform",
        lambda: embedding.transform(["a nice film"]),
    )


def deployed() -> dict[str, Any]:
    """Return the pod of the base."""
    manifest = yaml.safe_load((ROOT / "bases/serving/mlserver/deployment.yaml").read_text())
    return dict(manifest["spec"]["template"]["spec"])


def free_ports(count: int) -> list[int]:
    """Return ports of this machine that nobody listens on."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


@contextmanager
def bucket() -> Iterator[dict[str, str]]:
    """Run a mock of S3 with the weights bucket; yield the environment variables of those that call it."""
    import boto3
    from moto.server import ThreadedMotoServer

    (port,) = free_ports(1)
    server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
    server.start()
    variables = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "mock",
        "AWS_SECRET_ACCESS_KEY": "mock",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    os.environ.update(variables)
    try:
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield variables
    finally:
        server.stop()


def upload(key: str, content: bytes) -> None:
    """Put a file into the weights bucket."""
    import boto3

    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=content)


def copied(folder: Path, settings: Mapping[str, str], variables: Mapping[str, str], bucket: str = BUCKET) -> str:
    """Run the init container's script with its paths below a folder; return what it said, empty when it went well."""
    (container,) = deployed()["initContainers"]
    script = container["command"][-1].replace("/var/cache/model", str(folder))
    environment = {
        **variables,
        "PATH": f"{BIN.parent / 'aws/bin'}:{os.environ['PATH']}",  # the AWS CLI has an environment of its own
        "HOME": str(folder),
        "WEIGHTS_BUCKET": bucket,
        "MODEL_ID": settings["model"],
        "MODEL_REVISION": settings["revision"],
        "MODEL_ARTIFACT": settings["artifact"],
        "MODEL_SHA256": settings.get("sha256", ""),
    }
    done = subprocess.run(
        ["/bin/bash", "-euc", script], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    return "" if done.returncode == 0 else done.stderr.strip() or f"exit code {done.returncode}"


class Server:
    """MLServer as the pod runs it: the container's command and variables, the overlay's settings.

    Args:
        overlay: The overlay.
        folder: A scratch folder, with the artefact below `weights`.
    """

    def __init__(self, overlay: str, folder: Path) -> None:
        self.http, grpc, self.metrics = free_ports(3)
        source, repository = ROOT / "overlays" / overlay, folder / "etc"
        repository.mkdir()
        for file in source.iterdir():
            if file.suffix in (".json", ".py"):
                text = file.read_text().replace("/var/cache/model", str(folder))
                (repository / file.name).write_text(text)
        (container,) = deployed()["containers"]
        variables = {each["name"]: each["value"] for each in container["env"] if "value" in each}
        variables |= {"MLSERVER_MODEL_NAME": "churn", "OMP_NUM_THREADS": "1", "LOKY_MAX_CPU_COUNT": "1"}
        variables |= {"MLSERVER_HOST": "127.0.0.1", "MLSERVER_HTTP_PORT": str(self.http), "HOME": str(folder)}
        variables |= {"MLSERVER_GRPC_PORT": str(grpc), "MLSERVER_METRICS_PORT": str(self.metrics)}
        variables |= {
            "MLSERVER_ENVIRONMENTS_DIR": str(folder / "envs"),
            "MLSERVER_METRICS_DIR": str(folder / "metrics"),
        }
        self.log = folder / "log"
        command = [str(BIN / container["command"][0]), *container["command"][1:], str(repository)]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, env={"PATH": os.environ["PATH"], **variables}, stdout=log, stderr=subprocess.STDOUT
            )

    def wait(self) -> float:
        """Wait until the path of the probes answers; return the seconds that it took.

        Raises:
            Refused: The server ended, or did not get ready in time.
        """
        path = deployed()["containers"][0]["readinessProbe"]["httpGet"]["path"].replace("serving", "churn")
        started = time.monotonic()
        while time.monotonic() - started < ANSWER_SECONDS:
            if self.process.poll() is not None:
                lines = self.log.read_text().splitlines()
                # What is cancelled is so because of another error.
                said = [each for each in lines if re.match(r"[\w.]*(?<!Cancelled)(Error|Exception|Fail)\b", each)]
                raise Refused(f"the server ended: {said[-1] if said else 'no error in its log'}")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{path}", timeout=5):
                    return time.monotonic() - started
            except OSError:
                time.sleep(0.1)
        raise Refused(f"not ready within {ANSWER_SECONDS} s")

    def ask(self, body: bytes, model: str = "churn") -> tuple[int, dict[str, Any]]:
        """Return status and answer of one request."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.http}/v2/models/{model}/infer", body, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - of this machine
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            text = error.read().decode()
            return error.code, json.loads(text) if text.startswith("{") else {"error": text}

    def leave(self, body: bytes, sent: int) -> None:
        """Send the first bytes of a request, and go away without reading an answer."""
        head = f"POST /v2/models/churn/infer HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
        with socket.create_connection(("127.0.0.1", self.http), timeout=30) as connection:
            connection.sendall(head.encode() + b"Content-Type: application/json\r\n\r\n" + body[:sent])

    def scraped(self) -> dict[str, float]:
        """Return the series of the scrape that tell of the model and the process."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {name: float(value) for name, value in pairs}

    def stop(self) -> None:
        """Ask it to end, as the kubelet does."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def settings_of(overlay: str) -> dict[str, str]:
    """Return the literals of an overlay's settings."""
    text = (ROOT / "overlays" / overlay / "kustomization.yaml").read_text()
    literals = yaml.safe_load(text)["configMapGenerator"][0]["literals"]
    return dict(each.split("=", 1) for each in literals)


@dataclass(frozen=True)
class Measured:
    """What one model did: milliseconds at the median, requests per second, MiB, seconds."""

    model: Trained
    server_ms: float
    library_ms: float
    per_second: float
    memory_mib: float
    start_s: float
    answer: str


def timed(call: Callable[[], Any], count: int) -> list[float]:
    """Return the milliseconds of each call."""
    found = []
    for _ in range(count):
        before = time.perf_counter()
        call()
        found.append((time.perf_counter() - before) * 1000)
    return found


def serve(model: Trained, variables: Mapping[str, str]) -> Measured:
    """Copy a model from S3, serve it, compare its answer with the library's, and measure both.

    Raises:
        Refused: Anything of it failed.
    """
    import numpy

    settings = settings_of(model.overlay)
    settings["sha256"] = hashlib.sha256(model.content).hexdigest()
    upload(f"{settings['model']}/{settings['revision']}/{settings['artifact']}", model.content)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if said := copied(folder, settings, variables):
            raise Refused(f"{model.title}: the copy failed: {said}")
        server = Server(model.overlay, folder)
        try:
            start = server.wait()
            outputs = [] if model.overlay == "tabular-lightgbm-mlserver-cpu" else [{"name": model.output}]
            body = json.dumps({"inputs": model.rows, **({"outputs": outputs} if outputs else {})}).encode()
            status, answer = server.ask(body)
            if status != 200:
                raise Refused(f"{model.title}: {status} {answer}")
            got = numpy.array(answer["outputs"][0]["data"], dtype=float).ravel()
            if not numpy.allclose(got, numpy.asarray(model.call(), dtype=float).ravel(), rtol=1e-5):
                raise Refused(f"{model.title}: the server answers {got}, the library {model.call()}")
            status, refusal = server.ask(
                b'{"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP64", "data": [1, 2, 3]}]}'
            )
            if status == 200 and model.overlay.startswith("tabular"):
                raise Refused(f"{model.title}: three numbers in place of twenty are answered with {refusal}")
            timed(lambda: server.ask(body), 30)
            timed(model.call, 30)
            milliseconds = timed(lambda: server.ask(body), REQUESTS)
            plain = timed(model.call, REQUESTS)
            series = server.scraped()
            count = series['model_infer_request_success_total{model="churn",version="None"}']
            if count < REQUESTS + 31:
                raise Refused(f"{model.title}: the metrics count {count} requests")
            return Measured(
                model,
                statistics.median(milliseconds),
                statistics.median(plain),
                1000 / statistics.mean(milliseconds),
                series["process_resident_memory_bytes"] / 2**20,
                start,
                json.dumps({name: answer["outputs"][0][name] for name in ("name", "shape", "datatype", "data")})[:160],
            )
        finally:
            server.stop()


def refusals(models: Sequence[Trained], variables: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what a user reads when something is wrong, each with its cause.

    Args:
        models: The models that were served.
        variables: What reaches the bucket.

    Raises:
        Refused: Something wrong was taken for right.
    """
    settings = settings_of("tabular-xgboost-mlserver-cpu")
    found = []
    with tempfile.TemporaryDirectory() as scratch:
        for cause, changed, name in (
            ("no such revision", {"revision": "v9"}, BUCKET),
            ("another file than the pinned one", {"sha256": "0" * 64}, BUCKET),
            ("no such bucket", {}, "elsewhere"),
        ):
            said = copied(Path(scratch) / cause.replace(" ", "-"), {**settings, **changed}, variables, name)
            if not said:
                raise Refused(f"{cause}: the copy took it")
            found.append((cause, said.splitlines()[-1]))
    for cause, overlay, content in unloadable(models):
        found.append((cause, not_loaded(cause, overlay, content, variables)))
    return found


def unloadable(models: Sequence[Trained]) -> Iterator[tuple[str, str, bytes]]:
    """Yield artefacts that no server may get ready with: the cause, the overlay and the content."""
    import onnx

    of = {each.overlay: each for each in models}
    yield "a broken artefact", "tabular-xgboost-mlserver-cpu", b'{"learner": {"broken'
    # Half of LightGBM's text ends the process without a line that says so.
    for name in ("tabular-sklearn-mlserver-cpu", "tabular-onnx-mlserver-cpu"):
        whole = of[name].content
        yield f"half of a file, `{name.split('-')[1]}`", name, whole[: len(whole) // 2]
    yield "a model of another library", "tabular-xgboost-mlserver-cpu", of["tabular-sklearn-mlserver-cpu"].content
    newer = onnx.load_from_string(of["tabular-onnx-mlserver-cpu"].content)
    newer.ir_version = 99
    yield "a model of a newer format", "tabular-onnx-mlserver-cpu", newer.SerializeToString()


def not_loaded(cause: str, overlay: str, content: bytes, variables: Mapping[str, str]) -> str:
    """Return what the server says of an artefact that it cannot load.

    Raises:
        Refused: It was not even copied, or it was served.
    """
    settings = settings_of(overlay)
    upload(f"{settings['model']}/{settings['revision']}/{settings['artifact']}", content)
    settings["sha256"] = hashlib.sha256(content).hexdigest()
    with tempfile.TemporaryDirectory() as scratch:
        if said := copied(Path(scratch), settings, variables):
            raise Refused(f"{cause}: it was not even copied: {said}")
        server = Server(overlay, Path(scratch))
        try:
            server.wait()
        except Refused as refused:
            return str(refused)[:160]
        finally:
            server.stop()
    raise Refused(f"{cause}: it was served")


def mistreated(model: Trained, variables: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what callers read who ask a server wrongly, each with what they did; it must go on answering.

    Raises:
        Refused: The server took something wrong for right, or did not answer the next caller.
    """
    settings = settings_of(model.overlay)
    upload(f"{settings['model']}/{settings['revision']}/{settings['artifact']}", model.content)
    settings["sha256"] = hashlib.sha256(model.content).hexdigest()
    good = json.dumps({"inputs": model.rows}).encode()
    long = json.dumps({"inputs": [{**model.rows[0], "data": ["a nice film " * 90_000]}]}).encode()
    found = []
    with tempfile.TemporaryDirectory() as scratch:
        if said := copied(Path(scratch), settings, variables):
            raise Refused(f"{model.title}: the copy failed: {said}")
        server = Server(model.overlay, Path(scratch))
        try:
            server.wait()
            for cause, body, wanted in (
                ("a text of 1 MB", long, 200),
                ("what is not JSON", b'{"inputs": [', 422),
                ("a request without inputs", b"{}", 422),
                ("a type that the protocol does not have", good.replace(b"BYTES", b"WORDS"), 422),
            ):
                status, answer = server.ask(body)
                if status != wanted:
                    raise Refused(f"{cause}: {status} {answer}")
                answer.pop("id", None)  # another one each time
                found.append((cause, f"{status} {json.dumps(answer)}"[:160]))
                _still_answers(server, good, cause)
            status, answer = server.ask(good, model="another")
            if status != 404:
                raise Refused(f"a model that is not there: {status} {answer}")
            found.append(("a model that is not there", f"{status} {json.dumps(answer)}"[:160]))
            for cause, sent in (
                ("a client that goes away within its request", len(long) // 2),
                ("a client that goes away before its answer", len(long)),
            ):
                for _ in range(20):
                    server.leave(long, sent)
                _still_answers(server, good, cause)
                found.append((cause, "20 of them; the next caller has its answer"))
        finally:
            server.stop()
    return found


def _still_answers(server: Server, good: bytes, cause: str) -> None:
    status, answer = server.ask(good)
    if status != 200:
        raise Refused(f"after {cause} the next caller is told {status} {answer}")


def page(measured: Sequence[Measured], refused: Sequence[tuple[str, str]]) -> str:
    """Return the page of `docs/`."""
    rows = "".join(
        f"| {each.model.title} | `{each.model.overlay}` | {len(each.model.content) / 1e6:.2f} | {each.start_s:.1f}"
        f" | {each.memory_mib:.0f} | {each.library_ms:.2f} | {each.server_ms:.2f}"
        f" | {each.server_ms / each.library_ms:.1f} | {each.per_second:.0f} |\n"
        for each in measured
    )
    transcript = "".join(f"{each.model.title}\n  {each.answer}\n" for each in measured)
    wrong = "".join(f"| {cause} | `{said.replace('|', '/')}` |\n" for cause, said in refused)
    return f"""# Serving on CPUs

Written by `make serving-real`: models of every kind that the overlays of `mlserver` serve are trained, uploaded to a
mock of S3, copied by the script of the init container and served by the packages of `images/mlserver/requirements.txt`
with the variables of the base. Each answer is compared with the library's own. One caller, one row a request,
{REQUESTS} requests, one thread; Python {platform.python_version()} on {platform.machine()}, a machine shared with other
work: read the ratio, not the milliseconds.

| model | overlay | MB | start, s | memory, MiB | library P50, ms | server P50, ms | ratio | requests/s |
|---|---|---|---|---|---|---|---|---|
{rows}
What a call costs more than the library is HTTP, JSON and the protocol's checks. It does not depend on the model: rows
differ by what else the machine did meanwhile. Where the library takes microseconds it is nearly everything, so send
several rows in one request.

## What ran where
| engine | format | x86 (amd64) | Graviton (arm64) |
|---|---|---|---|
| mlserver | scikit-learn by joblib, XGBoost JSON, LightGBM text, ONNX | run, above | rendered and placed, not run |
| the image of `images/mlserver` | | packages run, image not built here | not built here |

## Answers
```
{transcript}```

## When something is wrong
The server is not ready with what it cannot load, so a rollout stops there and the replicas before it go on. A caller's
mistake is that caller's alone: the next one has its answer.

| cause | what is said |
|---|---|
{wrong}"""


def main() -> int:
    """Serve every model; return 1 when one of them is not served as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # the library gets as many threads as the server
    try:
        with bucket() as variables, tempfile.TemporaryDirectory() as scratch:
            measured = [serve(model, variables) for model in trained(Path(scratch))]
            models = [each.model for each in measured]
            (words,) = [each for each in models if each.title == "text classifier"]
            text = page(measured, [*refusals(models, variables), *mistreated(words, variables)])
    except Refused as refused:
        print(f"error: {refused}", file=sys.stderr)
        return 1
    print(text)
    if arguments.write:
        PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
