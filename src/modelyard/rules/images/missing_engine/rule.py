"""Variants of images that lack the engine which the manifests start."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.catalog import image_variants
from modelyard.findings import Finding, NotChecked, error
from modelyard.rendering import split_image
from modelyard.rules import rule
from modelyard.rules.wording import either
from modelyard.view import Environment, ServedModel


@rule("images/missing-engine", error, since="0.3.0")
def missing_engine(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A variant of an image without the engine, or without the library of the model, exits at start-up."""
    for model in environment.models:
        if not model.settings.settings:
            continue  # a program of somebody's own, of which nobody knows what it needs
        name, tag = split_image(model.container.image)[:2]
        for variant in image_variants():
            if variant.engine != model.engine.name or not variant.concerns(name, tag):
                continue
            needed = _library(model)
            if variant.has and (not needed or needed in variant.has):
                continue
            what = f"no {variant.lacks}" if not variant.has else f"{either(variant.has)} and no {needed}"
            yield Finding(
                at=model.container.at("image"),
                message=f"{model.name} is served by {model.container.image}, an image with {what}",
                fix=f"use {variant.instead}",
            )
            break


def _library(model: ServedModel) -> str:
    """Return the library that MLServer loads a model with, such as `sklearn` of `mlserver_sklearn.SKLearnModel`."""
    module = str(model.settings.get("implementation") or "").partition(".")[0]
    return module.removeprefix("mlserver_").replace("_", "-") if module.startswith("mlserver_") else ""
