"""The pages of the site: links, navigation, and the checks of `make docs-check`, which must be able to say no."""

from __future__ import annotations

import json
import posixpath
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import docs_check
import docs_pages

PROJECT = Path(__file__).parents[2]
FILES = docs_pages.tracked()
SITE = docs_pages.places(FILES)
NAVIGATION = tomllib.loads((PROJECT / "zensical.toml").read_text())["project"]["nav"]
# Pages that others lead to, each kind from one page of the navigation.
REACHED = ("adr/", "comments/", "reference/rules/", "reference/components/", "reference/engines/", "runbooks/")


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """Return every page of the site; a link to a file that is not there fails here."""
    return {SITE[name]: docs_pages.page(name, SITE, frozenset(FILES), "main") for name in SITE if name.endswith(".md")}


def anchors(text: str) -> set[str]:
    """Return the names that headings have, on the site and on GitHub: lower case, with hyphens for blanks."""
    found: set[str] = set()
    for _, line, is_text in docs_pages.prose(text):
        if is_text and (heading := re.match(r"#{1,6} +(.*?)(?: +\{#([\w-]+)\})?$", line)):
            plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1])
            slug = heading[2] or re.sub(r"[^\w\- ]", "", plain.lower()).strip().replace(" ", "-")
            found.add(next(each for each in (slug, *(f"{slug}_{n}" for n in range(1, 99))) if each not in found))
    return found


def test_each_link_of_a_page_leads_to_a_page_and_a_heading(texts: dict[str, str]) -> None:
    broken = []
    headings = {place: anchors(text) for place, text in texts.items()}
    for place, text in texts.items():
        for number, line, is_text in docs_pages.prose(text):
            for link in docs_pages.links(line) if is_text else ():
                path, _, fragment = link["target"].partition("#")
                if not fragment or ":" in path:
                    continue
                page = posixpath.normpath(posixpath.join(posixpath.dirname(place), path)) if path else place
                if fragment not in headings.get(page, {fragment}):
                    broken.append(f"{place}:{number}: {page} has no heading {fragment}")
    assert broken == []


def entries(navigation: list[Any]) -> Iterator[str]:
    """Yield the pages of a navigation."""
    for entry in navigation:
        for value in entry.values() if isinstance(entry, dict) else [entry]:
            if isinstance(value, str):
                yield value
            else:
                yield from entries(value)


def test_the_navigation_names_every_page_once() -> None:
    named = list(entries(NAVIGATION))
    pages = {place for name, place in SITE.items() if name.endswith(".md")}
    assert sorted(named) == sorted(set(named))
    assert set(named) - pages == set(), "the navigation names pages that are not there"
    left = {place for place in pages - set(named) if not place.startswith(REACHED)}
    assert left == set(), "add these pages to nav of zensical.toml"


def test_the_page_of_runbooks_leads_to_each() -> None:
    runbooks = PROJECT / "docs" / "runbooks"
    listed = re.findall(r"\]\(([\w-]+\.md)\)", (runbooks / "README.md").read_text())
    assert {path.name for path in runbooks.glob("*.md")} - {"README.md"} - set(listed) == set()


def test_a_link_to_a_file_that_is_not_there_is_refused_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/a.md").write_text(
        "# A\n`[x](no.md)` [b](b.md#c) [m](../Makefile)\n```\n[x](no.md)\n```\n[x](no.md)\n"
    )
    (tmp_path / "docs/b.md").write_text("# B\n")
    (tmp_path / "Makefile").touch()
    monkeypatch.setattr(docs_pages, "PROJECT", tmp_path)
    files = ["docs/a.md", "docs/b.md", "Makefile"]
    site = docs_pages.places(files)
    with pytest.raises(
        docs_pages.BrokenLink, match=r"^docs/a\.md:6:5: there is no docs/no\.md, to which a link leads$"
    ):
        docs_pages.page("docs/a.md", site, frozenset(files), "main")
    files.append("docs/no.md")
    text = docs_pages.page("docs/a.md", docs_pages.places(files), frozenset(files), "v1.2.3")
    assert "[b](b.md#c) [m](https://github.com/modelyard/modelyard/blob/v1.2.3/Makefile)" in text


def test_what_a_page_loads_from_elsewhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<link rel="canonical" href="https://a.example"><a href="https://b.example">b</a><img src="c.png">'
        '<script src="//d.example/d.js"></script><link rel="preconnect stylesheet" href="https://e.example/e.css">'
    )
    (tmp_path / "a.css").write_text('@font-face { src: url("https://f.example/f.woff2") }\n')
    assert list(docs_check.loads(tmp_path)) == [
        "a.html: <script> //d.example/d.js",
        "a.html: <link> https://e.example/e.css",
        "a.css: https://f.example/f.woff2",
    ]


def test_a_page_that_search_does_not_find_is_named(tmp_path: Path) -> None:
    for page in ("a", "b"):
        (tmp_path / page).mkdir()
        (tmp_path / page / "index.html").touch()
    items = [{"location": "a/", "title": "Pods", "text": ""}, {"location": "a/#x", "title": "X", "text": "Pending"}]
    (tmp_path / "search.json").write_text(json.dumps({"items": items}))
    searches = {"pod pending": "a/", "pod lost": "a/", "pod": "c/"}
    assert list(docs_check.missing_from_search(tmp_path, searches)) == [
        "b/ is not in the search index",
        "a/ does not hold lost of “pod lost”",
        "there is no page c/, which a search for “pod” should find",
    ]


def test_the_pages_that_searches_should_find_are_there() -> None:
    pages = {re.sub(r"(index)?\.md$", "/", place).replace("//", "/") for place in SITE.values()}
    assert set(docs_check.SEARCHES.values()) - pages == set()


def publish(site: Path, branch: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "scripts/docs_publish.py", str(site), str(branch), *words]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)


def test_versions_lie_beside_one_another(tmp_path: Path) -> None:
    site, branch = tmp_path / "site", tmp_path / "branch"
    site.mkdir()
    branch.mkdir()
    assert publish(site, branch, "dev").stderr == f"{site} holds no site: run make docs\n"
    for version, *more in (("dev",), ("0.9", "--latest"), ("0.10", "--latest"), ("dev",)):
        (site / "index.html").write_text(version)
        assert publish(site, branch, version, *more).returncode == 0
    assert json.loads((branch / "versions.json").read_text()) == [
        {"version": "dev", "title": "dev", "aliases": []},
        {"version": "0.10", "title": "0.10", "aliases": ["latest"]},
        {"version": "0.9", "title": "0.9", "aliases": []},
    ]
    assert (branch / "0.9/index.html").read_text() == "0.9"
    assert 'url=0.10/"' in (branch / "index.html").read_text()
    assert (publish(site, branch, "../x").returncode, (tmp_path / "x").exists()) == (2, False)
