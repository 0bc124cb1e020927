"""Names that other programs are given."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelyard.tooling.words import NotAName, absolute, git_address, one_of_a_list, release_name, revision_name


@pytest.mark.parametrize(
    "name", ["main", "v1.2.3", "origin/main", "HEAD~1", "a1b2c3d", "HEAD@{1}", "v1.0+build", "größe"]
)
def test_revisions(name: str) -> None:
    assert revision_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "-x", "--upload-pack=sh", "+a", "^a", "a b", "a:b", "a..b", "a\nb", "a\0b", "1.*"]
)
def test_what_is_no_revision(name: str) -> None:
    with pytest.raises(NotAName):
        revision_name(name)


def test_releases_addresses_and_paths() -> None:
    assert release_name("karpenter-1.x") == "karpenter-1.x"
    for name in ("-a", "a-", "a..b", "a_b"):
        with pytest.raises(NotAName):
            release_name(name)
    assert git_address("git@example.com:a/b") == "git@example.com:a/b"
    for address in ("", "--upload-pack=sh", "https://example.com/\n"):
        with pytest.raises(NotAName):
            git_address(address)
    assert absolute(Path("-x")).startswith("/")
    assert one_of_a_list(Path('/a,b"c')) == '"/a,b""c"'
