"""Renderings that are kept: damaged, foreign, old or unwritable entries never become an answer."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from modelyard.rendering import Rendering, RenderingCache, Resource
from modelyard.rendering.cache import MAX_BYTES
from modelyard.rendering.model import SchemaProblem, SchemaVerdict

KEY, OTHER = "ab" * 32, "cd" * 32
VERDICT = SchemaVerdict("invalid", (SchemaProblem("spec.replicas", "is not a number", "schema"),), True)
POD = Resource({"kind": "Pod", "metadata": {"name": "a"}}, "pod.yaml", (), VERDICT)
RENDERING = Rendering("models/chat", (POD,))


@pytest.fixture
def cache(tmp_path: Path) -> RenderingCache:
    return RenderingCache(tmp_path / "renderings", "context")


def entry(cache: RenderingCache) -> Path:
    (found,) = cache.folder.glob("*/*.json")
    return found


def test_what_is_kept_comes_back_as_it_was(cache: RenderingCache) -> None:
    cache.put(KEY, RENDERING)
    assert cache.get(KEY, "models/chat") == replace(RENDERING, cached=True)
    assert cache.get(OTHER, "models/chat") is None


def test_each_cut_and_each_flipped_bit_counts_as_absent(cache: RenderingCache) -> None:
    cache.put(KEY, RENDERING)
    path = entry(cache)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert cache.get(KEY, "models/chat") is None, length
    for position in range(len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        assert cache.get(KEY, "models/chat") is None, position


def test_an_entry_under_another_key_counts_as_absent(cache: RenderingCache) -> None:
    """Somebody puts the verdict of a harmless folder where that of another is looked for."""
    cache.put(KEY, RENDERING)
    planted = cache._path(OTHER)
    planted.parent.mkdir(parents=True)
    planted.write_bytes(entry(cache).read_bytes())
    assert cache.get(OTHER, "models/chat") is None


def test_an_entry_of_an_older_version_counts_as_absent(cache: RenderingCache) -> None:
    cache._path(KEY).parent.mkdir(parents=True)
    cache._path(KEY).write_bytes(b'{"resources": []}')  # as format 2 had it
    assert cache.get(KEY, "models/chat") is None


def test_a_folder_in_the_place_of_an_entry_is_no_error(cache: RenderingCache) -> None:
    cache._path(KEY).mkdir(parents=True)
    assert cache.get(KEY, "models/chat") is None
    cache.put(KEY, RENDERING)
    assert [each.name for each in cache._path(KEY).parent.iterdir()] == [cache._path(KEY).name]


def test_a_cache_that_cannot_be_written_is_no_error(cache: RenderingCache) -> None:
    cache.folder.write_text("a file where the folder should be")
    cache.put(KEY, RENDERING)
    assert cache.get(KEY, "models/chat") is None
    cache.prune()


def test_a_full_disk_leaves_nothing_behind(cache: RenderingCache, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> int:
        with path.open("wb") as stream:
            stream.write(content[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    cache.put(KEY, RENDERING)
    assert list(cache.folder.glob("*/*")) == []


def test_a_cache_that_vanishes_meanwhile_is_made_again(cache: RenderingCache) -> None:
    cache.put(KEY, RENDERING)
    path = entry(cache)
    path.unlink()
    path.parent.rmdir()
    assert cache.get(KEY, "models/chat") is None
    cache.put(KEY, RENDERING)
    assert cache.get(KEY, "models/chat") is not None


def test_many_writers_and_readers_see_whole_entries_only(cache: RenderingCache) -> None:
    cache.put(KEY, RENDERING)

    def work(number: int) -> bool:
        if number % 2:
            cache.put(KEY, RENDERING)
        return cache.get(KEY, "models/chat") == replace(RENDERING, cached=True)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(400)))
    assert len(list(cache.folder.glob("*/*"))) == 1


def test_the_oldest_by_use_go_first(cache: RenderingCache) -> None:
    cache.put(KEY, RENDERING)
    cache.put(OTHER, RENDERING)
    os.truncate(cache._path(OTHER), MAX_BYTES)  # takes no space
    for key in (KEY, OTHER):
        os.utime(cache._path(key), (1_000_000_000.0,) * 2)
    assert cache.get(KEY, "models/chat") is not None, "a use is remembered"
    cache.prune()
    assert [each.exists() for each in (cache._path(KEY), cache._path(OTHER))] == [True, False]


def test_a_clock_that_went_back_does_not_stop_pruning(cache: RenderingCache) -> None:
    cache.put(KEY, RENDERING)
    stamp = cache.folder / "pruned"
    stamp.touch()
    os.utime(stamp, (4_000_000_000.0,) * 2)
    os.truncate(cache._path(KEY), MAX_BYTES + 1)
    cache.prune(now=2_000_000_000.0)
    assert not cache._path(KEY).exists()
