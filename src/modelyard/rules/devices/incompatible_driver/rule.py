"""Images whose runtime does not work with the driver of the nodes."""

from collections.abc import Iterator
from dataclasses import dataclass

from modelyard.catalog import Driver, cuda_driver, cuda_of, neuron_refusal, neuron_sdk, node_driver
from modelyard.findings import Finding, NotChecked, error
from modelyard.placement import Placement, placements
from modelyard.rendering import split_image
from modelyard.rules import rule
from modelyard.rules.wording import both
from modelyard.view import Container, Environment, Pool, entries, text

_NEURON = ("aws.amazon.com/neuron", "aws.amazon.com/neurondevice", "aws.amazon.com/neuroncore")
_NVIDIA = "nvidia.com/gpu"
# With it vLLM loads the libraries that run a newer CUDA on an older driver of data-centre GPUs.
_COMPATIBILITY = "VLLM_ENABLE_CUDA_COMPATIBILITY"


@dataclass(frozen=True)
class _Pair:
    """An image of an engine and the image of the nodes of a pool that takes it."""

    pool: Pool
    alias: str
    image: str
    kind: str


@rule("devices/incompatible-driver", error, since="0.1.0")
def incompatible_driver(environment: Environment) -> Iterator[Finding | NotChecked]:
    """An engine whose runtime does not support the node's driver exits at start-up, on a node that looks healthy."""
    versions = {model.container: model.engine_version for model in environment.models}
    found: dict[tuple[str, str], tuple[_Pair, list[tuple[Container, str | None]]]] = {}
    pools = {pool.name: pool for pool in environment.pools}
    for placement in placements(environment):
        if placement.daemon:
            continue
        for container in placement.template.containers:
            kind = _kind(container)
            for pool in (pools[name] for name in _taking(placement)) if kind else ():
                # The images of EKS Auto Mode are AWS's own, and no file of a repository chooses them.
                if not pool.auto_mode:
                    pair = _Pair(pool, _alias(pool), container.image, kind)
                    _, containers = found.setdefault((str(pool.node_class), container.image), (pair, []))
                    containers.append((container, versions.get(container)))
    for pair, containers in found.values():
        yield from _judged(pair, containers)


def _judged(pair: _Pair, containers: list[tuple[Container, str | None]]) -> Iterator[Finding | NotChecked]:
    driver = node_driver(pair.alias, pair.kind)
    image, tag, _ = split_image(pair.image)
    if pair.kind == "neuron":
        sdk = neuron_sdk(tag)
        if sdk is None or driver is None:
            why = f"the Neuron SDK of {pair.image} is not known" if sdk is None else _unknown(pair)
            yield NotChecked(pair.pool, why)
            return
        refusal = neuron_refusal(sdk, driver)
        if refusal is None:
            yield NotChecked(pair.pool, f"whether Neuron SDK {sdk} works with driver {driver} is not known")
        elif refusal:
            yield _finding(pair, driver, refusal, containers)
        return
    cuda = cuda_of(image, tag, containers[0][1])
    needed = cuda_driver(cuda)
    if driver is None:
        yield NotChecked(pair.pool, _unknown(pair))
    elif needed is not None and driver.older_than(needed) and not any(_compatible(each) for each, _ in containers):
        if cuda is None:
            yield NotChecked(
                pair.pool,
                f"the CUDA version of {pair.image} is not known, and driver {driver} does not support every version",
            )
        else:
            yield _finding(pair, driver, f"CUDA {cuda} needs driver {needed} or newer", containers)


def _finding(pair: _Pair, driver: Driver, why: str, containers: list[tuple[Container, str | None]]) -> Finding:
    names = sorted({str(container.manifest) for container, _ in containers})
    node_class = pair.pool.node_class
    at = pair.pool.manifest.at() if node_class is None else node_class.at(("spec", "amiSelectorTerms", 0, "alias"))
    return Finding(
        at=at,
        message=f"nodes of {pair.pool} run {pair.alias} with driver {driver}, and {pair.image} of {both(names)} "
        f"does not start on it: {why}",
        fix="pin node and engine images that are compatible; the catalogue's drivers.yaml lists both",
    )


def _unknown(pair: _Pair) -> str:
    return f"the driver of {pair.alias or 'the node image'} is not known"


def _kind(container: Container) -> str:
    if any(container.requested(name) for name in _NEURON):
        return "neuron"
    return "nvidia" if container.requested(_NVIDIA) else ""


def _taking(placement: Placement) -> list[str]:
    return [each.pool for each in placement.accepting]


def _alias(pool: Pool) -> str:
    terms = pool.node_class.entries("spec.amiSelectorTerms") if pool.node_class is not None else []
    return next((str(each["alias"]) for each in terms if each.get("alias")), "")


def _compatible(container: Container) -> bool:
    return any(
        text(each, "name") == _COMPATIBILITY and text(each, "value") == "1" for each in entries(container.value, "env")
    )
