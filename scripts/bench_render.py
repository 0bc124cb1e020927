"""Measure the library renderer against Kustomize processes plus one kubeconform over their output.

Both sides do their whole job: the reference starts one `kustomize build` per overlay, two at a time, and one
kubeconform over all output; the library renders, finds origins, validates and evaluates CEL rules, and its JSON lines
are decoded into Python values. Prints one row per size. Exit code 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson

from modelyard.rendering.library import PROTOCOL, renderings
from modelyard.repository import Repository
from modelyard.schemas import DEFAULT_KUBERNETES, Validator, native_version
from modelyard.schemas.bundle import FOLDER
from modelyard.tooling import parallel, require, run

RATIO_TARGET = 0.40
LINEAR_WITHIN = 0.15
PEAK_MIB_TARGET = 300
DECODE_TARGET = 0.10

BASE = {
    "kustomization.yaml": """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - deployment.yaml
  - service.yaml
  - disruption-budget.yaml
  - node-pool.yaml
configMapGenerator:
  - name: serving-settings
    files: [vllm.yaml]
""",
    "vllm.yaml": "model: Qwen/Qwen3-1.7B\nmax-model-len: 8192\n",
    "deployment.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: serving, labels: {app.kubernetes.io/name: vllm}}
spec:
  replicas: 1
  selector: {matchLabels: {app.kubernetes.io/name: vllm}}
  template:
    metadata: {labels: {app.kubernetes.io/name: vllm}}
    spec:
      serviceAccountName: model
      enableServiceLinks: false
      containers:
        - name: vllm
          image: vllm/vllm-openai:v0.33.0
          args: [--config, /etc/vllm/vllm.yaml, --served-model-name=$(MODEL_NAME)]
          env:
            - name: MODEL_NAME
              valueFrom: {fieldRef: {fieldPath: "metadata.labels['app.kubernetes.io/instance']"}}
          ports: [{name: http, containerPort: 8000}]
          readinessProbe: {httpGet: {path: /health, port: http}}
          startupProbe: {httpGet: {path: /health, port: http}, failureThreshold: 120}
          volumeMounts: [{name: settings, mountPath: /etc/vllm}]
      volumes:
        - name: settings
          configMap: {name: serving-settings}
""",
    "service.yaml": """\
apiVersion: v1
kind: Service
metadata: {name: serving}
spec:
  selector: {app.kubernetes.io/name: vllm}
  ports: [{name: http, port: 80, targetPort: http}]
""",
    "disruption-budget.yaml": """\
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: serving}
spec:
  maxUnavailable: 1
  selector: {matchLabels: {app.kubernetes.io/name: vllm}}
""",
    "node-pool.yaml": """\
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: serving-pool}
spec:
  template:
    spec:
      nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: gpu}
      requirements:
        - {key: karpenter.k8s.aws/instance-category, operator: In, values: [g]}
        - {key: kubernetes.io/arch, operator: In, values: [amd64]}
  limits: {cpu: 1000}
""",
}
OVERLAY = {
    "kustomization.yaml": """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../../bases/serving/vllm]
configMapGenerator:
  - name: serving-settings
    behavior: merge
    files: [vllm.yaml]
patches:
  - path: devices.yaml
""",
    "vllm.yaml": "model: Qwen/Qwen3-1.7B\nmax-model-len: 4096\ngpu-memory-utilization: 0.9\n",
    "devices.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: serving}
spec:
  template:
    spec:
      containers:
        - name: vllm
          resources: {limits: {nvidia.com/gpu: 1, memory: 24Gi}, requests: {cpu: 3, memory: 24Gi}}
          volumeMounts: [{name: shm, mountPath: /dev/shm}]
      volumes:
        - name: shm
          emptyDir: {medium: Memory, sizeLimit: 8Gi}
""",
}
FEATURE = {
    "kustomization.yaml": """\
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches:
  - target: {kind: Deployment}
    patch: |-
      - op: add
        path: /spec/template/spec/containers/0/env/-
        value: {name: HF_TOKEN, valueFrom: {secretKeyRef: {name: hf-token, key: token}}}
""",
}
VERSIONS = {
    "kustomization.yaml": """\
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
images:
  - {name: vllm/vllm-openai, newTag: v0.33.0}
""",
}
MODEL = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: models
resources: [../../../../overlays/qwen3-1-7b-vllm-gpu]
components:
  - ../../../../bases/features/hf-token
  - ../../versions
patches:
  - target: {{kind: Deployment}}
    patch: |-
      - {{op: add, path: /spec/template/spec/containers/0/args/-, value: --max-num-seqs={seqs}}}
  - target: {{name: "serving|serving-settings|serving-pool"}}
    options: {{allowNameChange: true}}
    patch: |-
      - {{op: replace, path: /metadata/name, value: {name}}}
labels:
  - pairs: {{app.kubernetes.io/instance: {name}}}
    includeSelectors: true
"""


def write(folder: Path, files: dict[str, str]) -> None:
    """Write files into a new folder."""
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)


def make_repository(root: Path, models: int) -> list[str]:
    """Write a GitOps repository with so many models, and return their folders."""
    write(root / "bases/serving/vllm", BASE)
    write(root / "bases/features/hf-token", FEATURE)
    write(root / "overlays/qwen3-1-7b-vllm-gpu", OVERLAY)
    write(root / "environments/dev/versions", VERSIONS)
    targets = []
    for number in range(models):
        name = f"chat-{number}"
        target = f"environments/dev/models/{name}"
        write(root / target, {"kustomization.yaml": MODEL.format(name=name, seqs=number + 1)})
        targets.append(target)
    return targets


def seconds(work: Callable[[], object]) -> float:
    """Return the wall time of a call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def reference(root: Path, targets: list[str], scratch: Path) -> None:
    """Build every target with a kustomize process, as many at a time as processors, and run one kubeconform."""
    kustomize, kubeconform = require("kustomize").path, require("kubeconform").path
    built = parallel(lambda target: run([kustomize, "build", str(root / target)], timeout=60, check=True), targets)
    output = scratch / "reference.yaml"
    output.write_bytes(b"---\n".join(each.stdout for each in built))
    schemas = Validator(DEFAULT_KUBERNETES).bundle.materialised_whole()
    location = f"{schemas}/{{{{.Group}}}}/{{{{.ResourceKind}}}}_{{{{.ResourceAPIVersion}}}}.json"
    completed = run([kubeconform, "-strict", "-summary", "-schema-location", location, str(output)], timeout=600)
    if completed.returncode:
        raise SystemExit(f"kubeconform refuses the benchmark's own resources: {completed.stdout.decode()[:500]}")


def library(root: Path, targets: list[str]) -> bytes:
    """Render every target in one process, with origins, validation and CEL rules; return the JSON lines."""
    header = {
        "version": PROTOCOL,
        "root": str(root),
        "definitions": str(FOLDER / "native" / f"{native_version(DEFAULT_KUBERNETES)}.json"),
        "crdFolders": [str(FOLDER / "crds")],
    }
    lines = [header, *({"id": str(number), "path": target} for number, target in enumerate(targets))]
    path = require("modelyard-render").path
    return run([path], stdin=b"\n".join(map(orjson.dumps, lines)) + b"\n", timeout=600, check=True).stdout


class Memory(threading.Thread):
    """Watches the resident memory of all processes below this one."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak_mib = 0.0
        self.over = threading.Event()

    def run(self) -> None:
        """Look every 20 ms."""
        page = os.sysconf("SC_PAGE_SIZE")
        while not self.over.wait(0.02):
            parents, pages = {}, {}
            for folder in Path("/proc").iterdir():
                if folder.name.isdigit():
                    try:
                        parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                        pages[int(folder.name)] = int((folder / "statm").read_text().split()[1])
                    except OSError:
                        continue  # it ended meanwhile
            total = 0
            for process in pages:
                above = parents[process]
                while above not in (os.getpid(), 0, 1):
                    above = parents.get(above, 0)
                if above == os.getpid():
                    total += pages[process]
            self.peak_mib = max(self.peak_mib, total * page / 2**20)


def peak_mib(work: Callable[[], object]) -> float:
    """Return the highest resident memory, in MiB, of the processes that a call starts."""
    if not Path("/proc/self/statm").exists():
        work()
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    watch = Memory()
    watch.start()
    work()
    watch.over.set()
    watch.join()
    return watch.peak_mib


@dataclass(frozen=True)
class Measured:
    """One row: seconds of the library and of decoding its output, seconds of the reference or None, peak in MiB."""

    overlays: int
    library: float
    decoding: float
    peak: float
    reference: float | None

    @property
    def ratio(self) -> float | None:
        """The library's time over the reference's."""
        return self.library / self.reference if self.reference else None

    @property
    def share(self) -> float:
        """Decoding over rendering."""
        return self.decoding / self.library

    def __str__(self) -> str:
        reference = f"{self.reference:.2f} s" if self.reference else "-"
        ratio = f"{self.ratio:.2f}" if self.ratio else "-"
        return (
            f"{self.overlays:>8} {reference:>10} {self.library:>7.2f} s {ratio:>6} "
            f"{self.decoding:>7.3f} s {self.share:>6.3f} {self.peak:>4.0f} MiB"
        )

    def missed(self) -> list[str]:
        """Return the targets that this row misses."""
        missed = []
        if self.ratio and self.ratio > RATIO_TARGET:
            missed.append(f"{self.overlays} overlays take {self.ratio:.2f} of the reference, not {RATIO_TARGET:.2f}")
        if self.share > DECODE_TARGET:
            missed.append(f"decoding {self.overlays} overlays takes {self.share:.2f} of rendering, not {DECODE_TARGET}")
        if self.peak > PEAK_MIB_TARGET:
            missed.append(f"{self.overlays} overlays take {self.peak:.0f} MiB, not {PEAK_MIB_TARGET}")
        return missed


def measured(overlays: int, rounds: int, with_reference: bool) -> Measured:
    """Measure both sides in turn, so that other work on the machine meets both alike; medians count."""
    with tempfile.TemporaryDirectory(prefix="modelyard-") as folder:
        scratch = Path(folder).resolve()
        root = scratch / "repository"
        targets = make_repository(root, overlays)
        references, libraries = [], []
        for _ in range(rounds):
            if with_reference:
                references.append(seconds(lambda: reference(root, targets, scratch)))
            libraries.append(seconds(lambda: library(root, targets)))
        lines = library(root, targets).splitlines()
        decoding = seconds(lambda: list(renderings(Repository(root), targets, lines)))
        peak = peak_mib(lambda: library(root, targets))
    return Measured(
        overlays, statistics.median(libraries), decoding, peak, statistics.median(references) if references else None
    )


def main() -> int:
    """Measure, print, and compare with the targets."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sizes", default="200,1000", help="numbers of overlays; the first is held against processes")
    options.add_argument("--rounds", type=int, default=3, help="measurements of each, of which the median counts")
    options.add_argument("--only-print", action="store_true", help="exit with 0 whatever was measured")
    chosen = options.parse_args()
    sizes = [int(size) for size in chosen.sizes.split(",")]
    for name in ("kustomize", "kubeconform", "modelyard-render"):
        require(name)  # a missing tool is told before minutes were spent
    print(f"{'overlays':>8} {'reference':>10} {'library':>9} {'ratio':>6} {'decoding':>9} {'share':>6} {'peak':>8}")
    rows, missed = [], []
    for number, size in enumerate(sizes):
        row = measured(size, chosen.rounds, with_reference=number == 0)
        print(row, flush=True)
        rows.append(row)
        missed += row.missed()
    growth = (rows[-1].library / rows[-1].overlays) / (rows[0].library / rows[0].overlays) - 1
    print(f"time per overlay: {growth:+.0%} from {sizes[0]} to {sizes[-1]} overlays")
    if growth > LINEAR_WITHIN:
        missed.append(f"time per overlay grows by {growth:.0%}, more than {LINEAR_WITHIN:.0%}")
    for each in missed:
        print(f"missed: {each}", file=sys.stderr)
    return 1 if missed and not chosen.only_print else 0


if __name__ == "__main__":
    raise SystemExit(main())
