"""Groups of pods whose engines do not know of each other."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, listed

# What joins the pods of a group before an engine starts.
_SCRIPTS = ("multi-node-serving", "ray start", "ray symmetric-run", "torchrun", "mpirun")


@rule("serving/leader-without-workers", error, since="0.1.0")
def leader_without_workers(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A leader that does not know the size of its group serves alone, or fails because it has too few devices."""
    for model in environment.models:
        size = model.workload.group_size
        if size < 2:
            continue
        words = " ".join([*(str(each) for each in listed(model.container.value, "command")), *model.container.args])
        flags = model.engine.joining_flags
        if any(flag in model.settings for flag in flags) or any(script in words for script in _SCRIPTS):
            continue
        if not flags:
            yield NotChecked(model, f"how {model.engine.title} connects the pods of a group is not known")
            continue
        yield Finding(
            at=model.container.at("args", key=True),
            message=f"{model.name} runs in groups of {size} pods, but its engine is not configured for them",
            fix="add --nnodes=$(LWS_GROUP_SIZE), and the rank and address that go with it",
        )
