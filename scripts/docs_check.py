"""Check the documentation site that `make docs` built: links, anchors, spelling, search, and that it loads nothing.

    build/docs-env/bin/python scripts/docs_check.py

Links and anchors are lychee's, in the HTML that readers get; spelling is codespell's, in the files that people edit.
What this file adds is that search finds what readers look for, that every page is in the search index, and that no
page makes a browser ask another host.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path

import docs_pages

SITE = docs_pages.PROJECT / "build" / "docs" / "site"
# What readers look for, and the page that has to be among those that hold all of its words.
SEARCHES = {
    "pod pending": "runbooks/pod-pending-for-device/",
    "kv cache too small": "reference/rules/fit/kv-cache-too-small/",
    "exit code": "reference/exit-codes/",
    "promote": "reference/cli/",
    "karpenter": "reference/components/karpenter/",
    "roll back": "how-to/roll-back/",
    "out of memory": "troubleshooting/",
    "time to the first token": "concepts/training-and-inference/",
    "istio": "lifecycle/networking/",
    "qwen3-32b usd": "choose/",
    "not checked because": "reference/not-checked/",
}
# Elements through which a browser loads something while it shows a page; `a` only leads elsewhere when it is followed.
LOADING = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "audio": "src"}
LOADING_LINKS = {"stylesheet", "icon", "preload", "prefetch", "preconnect", "dns-prefetch", "modulepreload", "manifest"}


class Loads(HTMLParser):
    """Collects the addresses on other hosts that a page loads by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one element."""
        values = {name: value or "" for name, value in attrs}
        address = values.get(LOADING.get(tag, ""), "")
        if tag == "link" and LOADING_LINKS & set(values.get("rel", "").split()):
            address = values.get("href", "")
        if re.match(r"(https?:)?//", address):
            self.found.append(f"<{tag}> {address}")


def loads(site: Path) -> Iterator[str]:
    """Yield what pages of a site load from other hosts."""
    for path in sorted(site.rglob("*.html")):
        reader = Loads()
        reader.feed(path.read_text())
        yield from (f"{path.relative_to(site)}: {each}" for each in reader.found)
    for path in sorted(site.rglob("*.css")):
        for address in re.findall(r"(?:url\(|@import\s+)[\"']?((?:https?:)?//[^\"')\s]+)", path.read_text()):
            yield f"{path.relative_to(site)}: {address}"


def missing_from_search(site: Path, searches: dict[str, str]) -> Iterator[str]:
    """Yield the pages that the search index does not hold, and the searches that do not find their page."""
    texts: dict[str, str] = {}
    for item in json.loads((site / "search.json").read_text())["items"]:
        page = item["location"].partition("#")[0]
        texts[page] = f"{texts.get(page, '')} {item['title']} {item['text']}".lower()
    pages = {str(path.parent.relative_to(site)).removeprefix(".") for path in site.rglob("index.html")}
    for page in sorted(pages - {page.rstrip("/") for page in texts}):
        yield f"{page}/ is not in the search index"
    for words, page in searches.items():
        if page not in texts:
            yield f"there is no page {page}, which a search for “{words}” should find"
        elif missing := [word for word in words.split() if word not in texts[page]]:
            yield f"{page} does not hold {', '.join(missing)} of “{words}”"


def _run(what: str, command: Sequence[str | Path]) -> bool:
    done = subprocess.run(command, cwd=docs_pages.PROJECT, capture_output=True, text=True, check=False)
    print(f"{what}: {'ok' if done.returncode == 0 else 'failed'}")
    if done.returncode:
        print((done.stdout + done.stderr).strip(), file=sys.stderr)
    return done.returncode == 0


def _nothing(what: str, found: Iterator[str]) -> bool:
    lines = list(found)
    print(f"{what}: {'ok' if not lines else 'failed'}")
    for line in lines:
        print(line, file=sys.stderr)
    return not lines


def main() -> int:
    """Check; 1 when something is wrong, 2 when there is no site."""
    if not (SITE / "index.html").is_file():
        print("there is no site to check: run make docs", file=sys.stderr)
        return 2
    programs = Path(sys.executable).parent
    pages = [name for name in docs_pages.places(docs_pages.tracked()) if name.endswith(".md")]
    lychee: list[str | Path] = [programs / "lychee", "--offline", "--no-progress", "--include-fragments"]
    lychee += ["--index-files", "index.html"]
    # Addresses of 404.html begin at the host, because a server shows it under any address.
    lychee += ["--exclude-path", "404.html", "--root-dir", SITE, f"{SITE}/**/*.html"]
    results = [
        _run("links and anchors", lychee),
        _run("spelling", [programs / "codespell", "--toml", "pyproject.toml", "README.md", *pages]),
        _nothing("nothing is loaded from other hosts", loads(SITE)),
        _nothing("search", missing_from_search(SITE, SEARCHES)),
    ]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
