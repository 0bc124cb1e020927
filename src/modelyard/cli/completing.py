"""What the shell offers after a Tab; read from names of folders only, so that it is quick and never fails."""

from __future__ import annotations

from pathlib import Path


def environments(incomplete: str) -> list[str]:
    """Return environments of the repository in the current folder."""
    return _folders(Path("environments"), incomplete)


def applications(incomplete: str) -> list[str]:
    """Return names of Applications of any environment in the current folder."""
    try:
        names = {file.stem for file in Path("environments").glob("*/applications/*.yaml")}
    except OSError:
        return []
    return sorted(name for name in names if name.startswith(incomplete))


def deployed(incomplete: str) -> list[str]:
    """Return models of any environment in the current folder."""
    try:
        names = {folder.name for folder in Path("environments").glob("*/models/*") if folder.is_dir()}
    except OSError:
        return []
    return sorted(name for name in names if name.startswith(incomplete))


def features(incomplete: str) -> list[str]:
    """Return features of the repository in the current folder."""
    return _folders(Path("bases/features"), incomplete)


def engines(incomplete: str) -> list[str]:
    """Return engines of the repository in the current folder."""
    return _folders(Path("bases/serving"), incomplete)


def overlays(incomplete: str) -> list[str]:
    """Return overlays of the repository in the current folder."""
    return _folders(Path("overlays"), incomplete)


def servable(incomplete: str) -> list[str]:
    """Return what `model add` takes: overlays of the repository, and the catalogue's models."""
    return [*overlays(incomplete), *models(incomplete)]


def models(incomplete: str) -> list[str]:
    """Return ids of the catalogue's models."""
    from modelyard.catalog import models as catalogue

    return sorted(model for model in catalogue() if model.startswith(incomplete))


def devices(incomplete: str) -> list[str]:
    """Return names of the catalogue's devices."""
    from modelyard.catalog import devices as catalogue

    return sorted({device.name for device in catalogue() if device.name.startswith(incomplete)})


def known(incomplete: str) -> list[str]:
    """Return what `catalog show` takes: models, devices and instance types."""
    from modelyard.catalog import instance_types

    types = sorted(name for name in instance_types() if name.startswith(incomplete))
    return [*models(incomplete), *devices(incomplete), *types]


def formats(incomplete: str) -> list[str]:
    """Return formats of a report."""
    from modelyard.reporting import FORMATS

    return [name for name in FORMATS if name.startswith(incomplete)]


def rules(incomplete: str) -> list[str]:
    """Return ids of rules, without loading them."""
    import modelyard

    folder = Path(modelyard.__file__).parent / "rules"
    ids = (file.parent.relative_to(folder).as_posix().replace("_", "-") for file in folder.glob("*/*/rule.py"))
    return sorted(rule for rule in ids if rule.startswith(incomplete))


def tools(incomplete: str) -> list[str]:
    """Return tools that can be installed."""
    from modelyard.tooling import pins

    return [pin.name for pin in pins() if pin.build is not None and pin.name.startswith(incomplete)]


def _folders(folder: Path, incomplete: str) -> list[str]:
    try:
        return sorted(each.name for each in folder.iterdir() if each.is_dir() and each.name.startswith(incomplete))
    except OSError:
        return []
