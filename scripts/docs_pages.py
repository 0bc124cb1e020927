"""Gather the pages of the documentation site into build/docs/pages, from where they lie in the repository.

    python3 scripts/docs_pages.py [--ref REF]

The site is docs/, and the pages that lie beside what they describe: rules, components, features, engines, models, the
cluster. Links between them become links of the site. A link to any other file of the repository becomes one to its
text on GitHub at REF; a link to a file that is not there is an error. Uses the standard library only.
"""

from __future__ import annotations

import argparse
import posixpath
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
PAGES = PROJECT / "build" / "docs" / "pages"
REPOSITORY = "https://github.com/modelyard/modelyard"
# Where pages of the repository lie in the site, tried in this order; the first that matches wins.
_PLACES = (
    (r"docs/(.+/)?README\.md", r"\1index.md"),
    (r"docs/(.+)", r"\1"),
    (r"src/modelyard/rules/(\w+)/(\w+)/rule\.md", None),
    (r"bases/platform/README\.md", "reference/components/index.md"),
    (r"bases/platform/([\w-]+)/README\.md", r"reference/components/\1.md"),
    (r"bases/serving/README\.md", "reference/engines/index.md"),
    (r"bases/serving/([\w-]+)/README\.md", r"reference/engines/\1.md"),
    (r"bases/features/README\.md", "reference/features.md"),
    (r"overlays/README\.md", "reference/models.md"),
    (r"terraform/README\.md", "reference/terraform.md"),
    (r"CHANGELOG\.md", "changelog.md"),
    (r"CONTRIBUTING\.md", "contributing.md"),
    (r"SECURITY\.md", "security/reporting.md"),
)
_LINK = re.compile(r"(?P<before>!?\[(?:[^\[\]]|\[[^\[\]]*\])*\]\()(?P<target>[^()\s]+)(?P<after>(?: \"[^\"]*\")?\))")
_FENCE = re.compile(r" {0,3}(```|~~~)")
_CODE = re.compile(r"(`+)(?:.*?[^`])?\1(?!`)")


class BrokenLink(ValueError):
    """A link to a file that the repository does not hold; says where it stands."""


def tracked() -> list[str]:
    """Return the files of the repository, as Git lists them with those that it does not ignore."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    told = subprocess.run(listing, cwd=PROJECT, capture_output=True, check=True).stdout.decode()
    return sorted(name for name in told.split("\0") if name and (PROJECT / name).is_file())


def places(files: list[str]) -> dict[str, str]:
    """Return the pages and pictures of the site: the path in the repository, and the path in the site."""
    found = {name: place for name in files if (place := _place(name)) is not None}
    again = {place for place in found.values() if list(found.values()).count(place) > 1}
    if again:
        raise ValueError(f"two files become {', '.join(sorted(again))}")
    return found


def _place(name: str) -> str | None:
    for pattern, replacement in _PLACES:
        if match := re.fullmatch(pattern, name):
            if replacement is None:  # a rule is called by its id
                return f"reference/rules/{match[1]}/{match[2].replace('_', '-')}.md"
            return match.expand(replacement)
    return None


def prose(text: str) -> Iterator[tuple[int, str, bool]]:
    """Yield each line with its number and whether it is text, not part of a fenced block."""
    fence = ""
    for number, line in enumerate(text.splitlines(), 1):
        mark = _FENCE.match(line)
        if mark and (not fence or (mark[1] == fence and line.strip() == fence)):
            fence = "" if fence else mark[1]
            yield number, line, False
        else:
            yield number, line, not fence


def links(line: str) -> Iterator[re.Match[str]]:
    """Yield the links of a line of text, without those that stand in code."""
    code = [match.span() for match in _CODE.finditer(line)]
    for link in _LINK.finditer(line):
        target = link.start("target")
        if not any(start <= target < end for start, end in code):
            yield link


def resolve(name: str, target: str, site: Mapping[str, str], files: frozenset[str], ref: str) -> str:
    """Return where a link of a page leads in the site.

    Args:
        name: The page, as a path in the repository.
        target: What its link says.
        site: The pages, by `places`.
        files: Files of the repository.
        ref: Branch or tag to which links to other files lead.

    Raises:
        BrokenLink: The repository holds no such file or folder.
    """
    if re.match(r"[a-z]+:|#|//", target):
        return target
    path, mark, fragment = target.partition("#")
    wanted = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
    page = next((each for each in (wanted, f"{wanted}/README.md") if each in site), None)
    if page is not None:
        return posixpath.relpath(site[page], posixpath.dirname(site[name]) or ".") + mark + fragment
    if wanted in files:
        return f"{REPOSITORY}/blob/{ref}/{wanted}{mark}{fragment}"
    if wanted == "." or any(each.startswith(f"{wanted}/") for each in files):
        return f"{REPOSITORY}/tree/{ref}/{'' if wanted == '.' else wanted}"
    raise BrokenLink(f"there is no {wanted}, to which a link leads")


def page(name: str, site: Mapping[str, str], files: frozenset[str], ref: str) -> str:
    """Return the text of a page with its links as the site needs them.

    Raises:
        BrokenLink: With every line of the page whose link leads nowhere.
    """
    lines, broken = [], []
    for number, line, is_text in prose((PROJECT / name).read_text()):
        made, end = "", 0
        for link in links(line) if is_text else ():
            try:
                target = resolve(name, link["target"], site, files, ref)
            except BrokenLink as error:
                broken.append(f"{name}:{number}:{link.start('target') + 1}: {error}")
                continue
            made += line[end : link.start("target")] + target
            end = link.end("target")
        lines.append(made + line[end:])
    if broken:
        raise BrokenLink("\n".join(broken))
    return "\n".join(lines) + "\n"


def gather(folder: Path, ref: str) -> int:
    """Write the pages of the site into a folder, and return how many there are.

    Raises:
        BrokenLink: With every link of every page that leads nowhere; nothing is written then.
    """
    files = tracked()
    site, known = places(files), frozenset(files)
    texts, broken = {}, []
    for name in site:
        if not name.endswith(".md"):
            continue
        try:
            texts[name] = page(name, site, known, ref)
        except BrokenLink as error:
            broken.append(str(error))
    if broken:
        raise BrokenLink("\n".join(broken))
    shutil.rmtree(folder, ignore_errors=True)
    for name, place in site.items():
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if name in texts:
            target.write_text(texts[name])
        else:
            shutil.copyfile(PROJECT / name, target)
    return len(texts)


def main() -> int:
    """Gather the pages, or say which links lead nowhere."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ref", default="main", help="branch or tag of links to files that are no pages")
    options = parser.parse_args()
    try:
        count = gather(PAGES, options.ref)
    except BrokenLink as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{count} pages in {PAGES.relative_to(PROJECT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
