"""Managed node groups that EKS does not make."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelyard.catalog import instance_type
from modelyard.findings import Address, Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import both
from modelyard.view import Block, Environment, Terraform

_VERSION = re.compile(r"1\.(\d+)")
_ORDER = (("min_size", "max_size"), ("min_size", "desired_size"), ("desired_size", "max_size"))


@rule("terraform/refused-node-group", error, since="0.3.0")
def refused_node_group(environment: Environment) -> Iterator[Finding | NotChecked]:
    """EKS refuses a group by its sizes, image or version, and without its nodes nothing of the platform starts."""
    terraform = environment.terraform
    told: set[tuple[str, int, str]] = set()
    for block in terraform.resources("aws_eks_node_group") if terraform is not None else ():
        for argument, message, fix in (*_sizes(block), *_images(block), *_versions(environment, block)):
            if terraform is not None and (block.file, block.first, argument) not in told:
                told.add((block.file, block.first, argument))
                yield Finding(at=_at(terraform, block, argument), message=f"{block.address} {message}", fix=fix)


def _at(terraform: Terraform, block: Block, argument: str) -> Address:
    """Return where the argument is set: in an object of the environment's variables that has its name, if any has."""
    for name, value in terraform.given.items():
        objects = [value, *value.values()] if isinstance(value, dict) else []
        if any(isinstance(each, dict) and argument in each for each in objects):
            return terraform.variable_at(name, argument)
    return block.at((argument,))


def _sizes(block: Block) -> Iterator[tuple[str, str, str]]:
    sizes = block.mapping("scaling_config")
    for low, high in _ORDER:
        least, most = sizes.get(low), sizes.get(high)
        if isinstance(least, int | float) and isinstance(most, int | float) and least > most:
            yield low, f"has {low} {least:g} above {high} {most:g}", f"raise {high}, or lower {low}"
            return


def _images(block: Block) -> Iterator[tuple[str, str, str]]:
    """Yield types that the group's image is not made for: AL2023_ARM_64_STANDARD, BOTTLEROCKET_x86_64_NVIDIA."""
    image, types = block.text("ami_type"), block.values.get("instance_types")
    of_image = "arm64" if "ARM_64" in image else "amd64" if "x86_64" in image else ""
    for name in types if isinstance(types, list) and of_image else ():
        known = instance_type(name) if isinstance(name, str) else None
        if known is not None and known.architecture not in (None, of_image):
            yield (
                "ami_type",
                f"has the image {image} for {of_image}, and its instance type {name} is {known.architecture}",
                f"choose an image for {known.architecture}, or types that are {of_image}",
            )
            return


def _versions(environment: Environment, block: Block) -> Iterator[tuple[str, str, str]]:
    """Yield versions above that of the control plane: kubelets may be older, not newer."""
    cluster = next(
        (
            each
            for each in (environment.terraform.resources("aws_eks_cluster") if environment.terraform else ())
            if each.text("name") == block.text("cluster_name")
        ),
        None,
    )
    ours, theirs = (_VERSION.fullmatch(each.text("version")) if each is not None else None for each in (block, cluster))
    if ours and theirs and int(ours[1]) > int(theirs[1]):
        yield (
            "version",
            f"has version {ours[0]}, and the control plane has {theirs[0]}: nodes may not be newer",
            f"write the version of the cluster, or {both([theirs[0]])}",
        )
