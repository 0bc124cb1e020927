"""Models as a repository knows them: the team's own entries before the catalogue's."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from modelyard import catalog
from modelyard.findings import At, Place, UserError
from modelyard.repository import FileAddress, Files, derived
from modelyard.repository.yaml import one_mapping

TEAM_MODELS = "catalog/models"
"""Folder of a repository with one folder for each model of the team's own, each with a `model.yaml`."""


@derived
def team_models(files: Files) -> Mapping[str, catalog.Model]:
    """Return the models that a repository adds to the catalogue, by id.

    Raises:
        UserError: A file is no model; the message names the file and its first wrong fields.
    """
    paths = [f"{TEAM_MODELS}/{name}/model.yaml" for name in files.under(TEAM_MODELS)]
    entries = [_entry(files, path) for path in paths if files.is_file(path)]
    return MappingProxyType({entry.id: entry for entry in entries})


def known_model(files: Files, model_id: str) -> catalog.Model | None:
    """Return a model by what the engine loads: the team's entry, else the catalogue's, else None."""
    return team_models(files).get(model_id) or (catalog.model(model_id) if model_id else None)


def _entry(files: Files, path: str) -> catalog.Model:
    from pydantic import ValidationError

    content = one_mapping(path, files.documents(path))
    try:
        return catalog.model_from_mapping(content)
    except ValidationError as cause:
        first = cause.errors()[0]
        names = tuple(part for part in first["loc"] if isinstance(part, str | int))
        wrong = ".".join(map(str, names))
        raise UserError(
            f"{path}: {wrong}: {first['msg'].removeprefix('Value error, ')}",
            fix="write it with modelyard catalog add",
            at=FileAddress(files, path, names),
        ) from None
    except ValueError as cause:
        raise UserError(f"{path}: {cause}", fix="write it with modelyard catalog add", at=At(Place(path))) from None
