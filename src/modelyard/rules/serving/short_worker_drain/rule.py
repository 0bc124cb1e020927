"""Workers of a group that end before their leader has."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment
from modelyard.view.times.end import pre_stop_seconds


@rule("serving/short-worker-drain", warning, since="0.1.0")
def short_worker_drain(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A leader needs its workers for requests in flight; workers that stop first fail every request of the group."""
    for model in environment.models:
        if model.workload.kind != "LeaderWorkerSet":
            continue
        drain = model.settings.get("shutdown-timeout", 0)
        hold = pre_stop_seconds(model.container)
        if not isinstance(drain, int) or hold is None:
            continue
        for template in model.workload.templates:
            worker = next((each for each in template.containers if not each.init), None)
            if worker is None or worker.path == model.container.path:
                continue
            own = pre_stop_seconds(worker)
            if own is not None and own < hold + drain:
                yield Finding(
                    at=worker.at("lifecycle", "preStop"),
                    message=f"workers of {model.name} stop {own:.0f} s after deletion, but their leader may serve for "
                    f"{hold + drain:.0f} s (preStop {hold:.0f} s, shutdown-timeout {drain} s)",
                    fix=f"set preStop.sleep.seconds to {hold + drain:.0f} or more on the workers, with a "
                    "longer grace period",
                )
