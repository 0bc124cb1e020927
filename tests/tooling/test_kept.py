"""What the cache holds, and what of it can go."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from modelyard.tooling import kept
from modelyard.tooling.kept import DAY_SECONDS, removable, remove, usage

SOURCES = Path(__file__).parents[2] / "src" / "modelyard"
NOW = 2_000_000_000.0
NOT_KEPT = {"fetching", "fetching.lock", "rehearsals"}
"""Work in progress: a lock, downloads, rehearsals that run."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def put(path: Path, size: int, age: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, (NOW - age, NOW - age))
    os.utime(path.parent, (NOW - age, NOW - age))
    return path


def gone(**options: float | bool) -> set[str]:
    entries = removable(usage(), NOW, **{"older_than": 30 * DAY_SECONDS, **options})  # type: ignore[arg-type]
    return {each.path.name for each in entries}


def test_every_folder_of_the_cache_is_known() -> None:
    text = "\n".join(path.read_text() for path in SOURCES.rglob("*.py"))
    named = set(re.findall(r'\bcache\(\) / "([^"]+)"', text))
    assert {"renderings", "schemas"} <= named
    assert named - NOT_KEPT <= {each.name for each in kept.PARTS}


def test_an_empty_cache_holds_nothing(folder: Path) -> None:
    assert [each.size for each in usage()] == [0] * len(kept.PARTS)
    assert gone(older_than=0.0) == set()


def test_what_was_not_used_for_long_goes(folder: Path) -> None:
    put(folder / "renderings/ab/old.json", 10, 31 * DAY_SECONDS)
    put(folder / "renderings/ab/new.json", 10, 29 * DAY_SECONDS)
    put(folder / "crashes/old.log", 10, 31 * DAY_SECONDS)
    assert gone() == {"old.json", "old.log"}


def test_the_oldest_renderings_go_beyond_the_size(folder: Path) -> None:
    for number in range(4):
        put(folder / f"renderings/ab/{number}.json", 100, (number + 1) * DAY_SECONDS)
    put(folder / "terraform/other.json", 1000, 5 * DAY_SECONDS)
    assert gone(most=250) == {"2.json", "3.json"}


def test_what_a_running_check_may_read_stays(folder: Path) -> None:
    put(folder / "renderings/ab/running.json", 100, 60.0)
    put(folder / "schemas/identity/core/pod_v1.json", 100, 40 * DAY_SECONDS)
    os.utime(folder / "schemas/identity", (NOW - 60.0, NOW - 60.0))
    assert gone(older_than=0.0, most=0) == set()


def test_entries_of_the_future_are_not_taken_for_old(folder: Path) -> None:
    put(folder / "renderings/ab/future.json", 100, -400 * DAY_SECONDS)
    assert gone(older_than=0.0, most=0) == set()


def test_what_was_fetched_goes_only_when_asked(folder: Path) -> None:
    put(folder / "fetched/sha256-1/content.tgz", 100, 400 * DAY_SECONDS)
    assert gone() == set()
    assert gone(fetched=True) == {"content.tgz"}


def test_removing_takes_whole_folders_and_says_what_became_free(folder: Path) -> None:
    put(folder / "schemas/identity/core/pod_v1.json", 70, 40 * DAY_SECONDS)
    put(folder / "schemas/identity/apps/deployment_v1.json", 30, 40 * DAY_SECONDS)
    os.utime(folder / "schemas/identity", (NOW - 40 * DAY_SECONDS,) * 2)
    entries = removable(usage(), NOW, older_than=30 * DAY_SECONDS)
    assert remove(entries) == 100
    assert list((folder / "schemas").iterdir()) == []
    assert remove(entries) == 0, "what is gone is no error"
