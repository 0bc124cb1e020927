"""Several routers of AIBrix that do not share what they know of prefixes."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment
from modelyard.view.values import release_values

REPLICAS = ("gatewayPlugin", "replicaCount")
SYNC = ("gatewayPlugin", "container", "envs", "AIBRIX_STATESYNC_ENABLED")


@rule("serving/unshared-router-state", warning, since="0.1.0")
def unshared_router_state(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Without state sync, each router knows only its own requests, so many turns of a conversation miss the cache."""
    for application in environment.applications:
        for values in release_values(application, environment.repository):
            replicas = values.get(REPLICAS)
            if not isinstance(replicas, int) or replicas < 2 or str(values.get(SYNC, "false")).lower() == "true":
                continue
            yield Finding(
                at=values.at(REPLICAS),
                message=f"{application} runs {replicas} AIBrix routers, but AIBRIX_STATESYNC_ENABLED is not true: "
                "each routes prefixes from its own memory",
                fix='set gatewayPlugin.container.envs.AIBRIX_STATESYNC_ENABLED: "true", or one replica',
            )
