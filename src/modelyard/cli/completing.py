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
