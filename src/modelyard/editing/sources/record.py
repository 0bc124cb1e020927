"""What a deployment of a model by others says, as far as it was understood: one form for every source."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from modelyard.editing.sources.ledger import FieldOutcome, Ledger, Node, Outcome, Path, Verdict, as_text, shown, written
from modelyard.findings import At, Place, UserError, is_secret

DEVICES = {"nvidia.com/gpu": "gpu", "aws.amazon.com/neuron": "neuron"}
TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACE_TOKEN", "HUGGINGFACEHUB_API_TOKEN")
NOT_IN_GIT = "a secret does not belong in Git; it lies in AWS Secrets Manager"
ADD = "add the model with an engine of this repository: modelyard model add ID --env NAME"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_OF_HERE = {
    "host": "the base of the engine listens on every address",
    "port": "the base of the engine has its own port, and its Service asks that",
    "model": "it is what the overlay serves",
    "pipeline": "the model's own files name its pipeline",
}
_DROPPED_VARIABLES = {
    "CUDA_VISIBLE_DEVICES": "the device plugin tells the pod which devices it has",
    "NVIDIA_VISIBLE_DEVICES": "the device plugin tells the pod which devices it has",
    "NEURON_RT_VISIBLE_CORES": "the device plugin tells the pod which cores it has",
}


@dataclass(frozen=True, slots=True)
class Given:
    """A flag or variable with its value, and the slot by which the ledger asks what became of it."""

    value: str
    slot: str


@dataclass(slots=True)
class ExternalDeployment:
    """One deployment of a model, as far as it was understood.

    Attributes:
        source: What it was read from, in words, such as `Deployment chat`.
        ledger: Its fields, and what was said of them.
        file: The file's name, for messages.
        name: Name of its Service or workload.
        model: The model's id.
        weights: Where its weights lie, where the source says no id; such as `/models/a` or `s3://b/c`.
        family: Whether `model` is a name without a publisher, whose id the catalogue tells.
        framework: What serves it, in the words of `frameworks` in engine.yaml.
        accelerator: `gpu` or `neuron`.
        devices: Devices of one pod; None where the source does not say.
        replicas: Replicas; None where the source does not say.
        least: Fewest replicas of its autoscaling; None where there is none.
        most: Most replicas of its autoscaling; None where there is none.
        flags: Flags of the engine, without dashes.
        variables: Environment variables of the engine.
        served_names: Names by which callers ask for the model there.
        token: Whether it is given a Hugging Face token.
        slots: What became of slots, as far as it is decided.
        texts: Fields whose text is a document of its own, with the ledger of that; its fields stand in their place.
        notes: What differs here though no field says it, one sentence each.
    """

    source: str
    ledger: Ledger
    file: str
    name: str = ""
    model: str = ""
    weights: str = ""
    family: bool = False
    framework: str = "vllm"
    accelerator: str = "gpu"
    devices: int | None = None
    replicas: int | None = None
    least: int | None = None
    most: int | None = None
    flags: dict[str, Given] = field(default_factory=dict)
    variables: dict[str, Given] = field(default_factory=dict)
    served_names: tuple[str, ...] = ()
    token: bool = False
    slots: dict[str, Verdict] = field(default_factory=dict)
    texts: list[tuple[Path, Ledger]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def at(self) -> At:
        """The place of the source, for messages."""
        return At(Place(self.file))

    def refused(self, why: str, fix: str = ADD) -> UserError:
        """Return the refusal of this source."""
        return UserError(f"{self.source} {why}", fix=fix, at=self.at)

    def decide(self, slot: str, outcome: Outcome, why: str = "") -> None:
        """Say what became of a slot."""
        self.slots[slot] = Verdict(outcome, why)

    def fields(self) -> list[FieldOutcome]:
        """Return what became of every field of the source."""
        within = {written(path): ledger for path, ledger in self.texts}
        found: list[FieldOutcome] = []
        for each in self.ledger.fields(self.slots):
            if each.path not in within:
                found.append(each)
                continue
            for inner in within[each.path].fields(self.slots):
                subject = f"{each.path}: {inner.subject}" if inner.subject == inner.path else inner.subject
                found.append(replace(inner, path=f"{each.path}: {inner.path}", subject=subject))
        return found

    def flag(self, name: str, value: str, *nodes: Node) -> None:
        """Take a flag of the engine.

        Args:
            name: The flag, dashes in front or not.
            value: Its value; `true` for a switch.
            nodes: Where it and its value stand.
        """
        flag = name.lstrip("-").replace("_", "-")
        slot = self._slot(f"flag {flag}")
        for node in nodes:
            node.feeds(slot, shown(flag, value))
        before = self.flags.pop(flag, None)
        if before is not None:
            self.decide(before.slot, Outcome.LOST, "it is given twice, and the last one counts")
        if flag in _OF_HERE:
            self.decide(slot, Outcome.SET, _OF_HERE[flag])
            if flag == "model" and not self.model:
                self.take_model(value, *nodes)
        elif flag == "served-model-name":
            self._serve_as([value], slot)
        elif "$" in value and not value.lstrip().startswith("{"):
            why = NOT_IN_GIT if is_secret(flag) else "a variable tells its value when it runs"
            self.decide(slot, Outcome.LOST, why)
        elif is_secret(flag, value) and not flag.startswith(("max-", "num-", "long-")):
            self._secret(flag, slot)
        else:
            self.flags[flag] = Given(value, slot)

    def values(self, name: str, values: list[str], *nodes: Node) -> None:
        """Take a flag of the engine that has several values."""
        flag = name.lstrip("-").replace("_", "-")
        slot = self._slot(f"flag {flag}")
        for node in nodes:
            node.feeds(slot, shown(flag, " ".join(values)))
        if flag == "served-model-name":
            self._serve_as(values, slot)
        elif flag in _OF_HERE:
            self.decide(slot, Outcome.SET, _OF_HERE[flag])
        else:
            self.decide(slot, Outcome.LOST, "a list; write it into the settings of the overlay")

    def _serve_as(self, names: list[str], slot: str) -> None:
        self.served_names = (*self.served_names, *names)
        self.flags["served-model-name"] = Given(" ".join(names), slot)

    def _secret(self, flag: str, slot: str) -> None:
        if flag == "hf-token":
            self.token = True
            self.decide(slot, Outcome.SET, "the feature hf-token reads it from AWS Secrets Manager")
        else:
            told = NOT_IN_GIT + (", which the feature api-key reads" if flag == "api-key" else "")
            self.decide(slot, Outcome.LOST, told)

    def variable(self, name: str, value: str | None, node: Node) -> None:
        """Take an environment variable of the engine; None where its value comes from elsewhere in the cluster."""
        # An entry of a list has its name beside its value; one of a mapping is the value.
        nodes = [node.at(key) for key in ("name", "value", "valueFrom")] if isinstance(node.value, dict) else [node]
        before = self.variables.get(name)
        if before is not None and before.value == value:
            for each in nodes:
                each.feeds(before.slot, shown(f"variable {name}", value))
            return
        if before is not None:
            self.decide(before.slot, Outcome.LOST, "it is given twice, and the last one counts")
            del self.variables[name]
        slot = self._slot(f"variable {name}")
        for each in nodes:
            each.feeds(slot, shown(f"variable {name}", "" if value is None or is_secret(name, value) else value))
        if name in TOKENS:
            self.token = True
            self.decide(slot, Outcome.SET, "the feature hf-token reads it from AWS Secrets Manager")
        elif name in _DROPPED_VARIABLES:
            self.decide(slot, Outcome.SET, _DROPPED_VARIABLES[name])
        elif is_secret(name, value or ""):
            self.decide(slot, Outcome.LOST, NOT_IN_GIT)
        elif value is None:
            self.decide(slot, Outcome.LOST, "its value comes from elsewhere in the cluster")
        elif re.search(r"\$[({\w]", value):
            self.decide(slot, Outcome.LOST, "a variable tells its value when it runs")
        else:
            self.variables[name] = Given(value, slot)

    def take_model(self, text: str, *nodes: Node) -> None:
        """Take the model: an id of Hugging Face, an address, or the path of weights."""
        for node in nodes:
            node.feeds("model", shown("model", text))
        plain = text.removeprefix("hf://").removeprefix("huggingface://").strip("\"'")
        plain, _, revision = plain.partition(":") if text.startswith("hf://") else (plain, "", "")
        if _HUB_ID.fullmatch(plain) or re.fullmatch(r"[A-Za-z0-9][\w.-]*", plain):
            self.model, self.weights = plain, ""
        elif not self.model:
            self.weights = text
        if revision and nodes:
            self.flag("revision", revision, nodes[0])

    def scale(self, least: Node, most: Node) -> None:
        """Take the bounds of autoscaling."""
        least.feeds("least")
        most.feeds("most")
        self.least, self.most = number(self, least), number(self, most)

    def _slot(self, name: str) -> str:
        slot, count = name, 1
        while slot in self.slots or any(slot == each.slot for each in (*self.flags.values(), *self.variables.values())):
            count += 1
            slot = f"{name} ({count})"
        return slot


def number(found: ExternalDeployment, node: Node, most: int = 10_000) -> int | None:
    """Return a count; None where none is told.

    Raises:
        UserError: It is no number, such as a placeholder that another program fills in.
    """
    if not node.exists:
        return None
    value = node.value
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value) if len(value) < 6 else most
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < most:
        return value
    name = str(node.path[-1])
    raise UserError(
        f"{found.file}: {name} is {as_text(node.value)!r}, which is no number",
        fix="fill the file in first, as whatever deploys it does",
        at=found.at,
    )
