"""`modelyard cache`."""

from __future__ import annotations

import json
import os
from pathlib import Path

from .test_other_verbs import Run

YEAR_AGO = 365 * 24 * 3600.0


def put(folder: Path, name: str, age: float = YEAR_AGO) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * 2048)
    state = path.stat()
    os.utime(path, (state.st_mtime - age,) * 2)
    return path


def test_what_is_there_is_told_and_what_is_old_is_removed(modelyard: Run, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    old = put(folder, "renderings/ab/old.json")
    new = put(folder, "renderings/ab/new.json", 7200)
    chart = put(folder, "fetched/sha256-1/content.tgz")
    where = {"MODELYARD_CACHE_DIR": str(folder)}
    told = json.loads(modelyard("cache", "info", "--json", **where).out)
    assert (told["folder"], told["bytes"]) == (str(folder), 3 * 2048)
    assert [(each["name"], each["entries"]) for each in told["parts"] if each["entries"]] == [
        ("renderings", 2),
        ("fetched", 1),
    ]
    assert "renderings  2 items, oldest 365 days" in modelyard("cache", "info", **where).out
    assert modelyard("cache", "prune", "--dry-run", **where).out == "1 cached item would be removed, 0.0 MiB\n"
    assert old.exists()
    assert json.loads(modelyard("cache", "prune", "--json", **where).out)["removed"] == [str(old)]
    assert [each.exists() for each in (old, new, chart)] == [False, True, True]
    modelyard("cache", "prune", "--fetched", "--older-than", "0", **where)
    assert [each.exists() for each in (new, chart)] == [False, False]
