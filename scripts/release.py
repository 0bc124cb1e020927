"""Make a release: the version in pyproject.toml and in links to runbooks, the changelog's heading, a commit and a tag.

    make release VERSION=1.2.3

    python scripts/release.py --notes v1.2.3     # prints what the changelog says of a tag that is checked out

Nothing is pushed. Refused on a dirty tree, on a version that is not newer, and when there is nothing under Unreleased.
"""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from packaging.version import InvalidVersion, Version

PROJECT = Path(__file__).parents[1]
PYPROJECT, CHANGELOG = PROJECT / "pyproject.toml", PROJECT / "CHANGELOG.md"
ALERTS = PROJECT / "bases" / "platform" / "alerts" / "rules"
RUNBOOKS = re.compile(r"/blob/v[^/\s]+/docs/runbooks/")
VERSION_LINE = re.compile(r'^version = "([^"]+)"$', re.MULTILINE)
UNRELEASED = "## Unreleased\n"


def main(words: list[str]) -> int:
    """Make the release, or say why not."""
    if len(words) == 2 and words[0] == "--notes":
        return _notes(words[1].removeprefix("v"))
    if len(words) != 1:
        return _refused("name the version: make release VERSION=1.2.3")
    try:
        version = Version(words[0])
    except InvalidVersion:
        return _refused(f"{words[0]} is not a version such as 1.2.3")
    current = VERSION_LINE.search(PYPROJECT.read_text())
    assert current is not None, "pyproject.toml has a version"
    tagged = _git("tag", "--list", f"v{version}").strip()
    if version < Version(current[1]) or tagged:
        return _refused(f"{version} is not newer than {current[1]}" if not tagged else f"v{version} is tagged already")
    if _git("status", "--porcelain").strip():
        return _refused("the working tree has changes; commit them first")
    before, found, after = CHANGELOG.read_text().partition(UNRELEASED)
    entry = after.partition("\n## ")[0].strip()
    if not found or not entry:
        return _refused("CHANGELOG.md says nothing under Unreleased")
    today = datetime.now(UTC).date().isoformat()
    CHANGELOG.write_text(f"{before}{UNRELEASED}\n## {version} ({today})\n{after}")
    PYPROJECT.write_text(VERSION_LINE.sub(f'version = "{version}"', PYPROJECT.read_text(), count=1))
    for rules in sorted(ALERTS.glob("*.yaml")):
        rules.write_text(RUNBOOKS.sub(f"/blob/v{version}/docs/runbooks/", rules.read_text()))
    _git("commit", "--quiet", "--all", "--message", f"Release {version}")
    _git("tag", "--annotate", f"v{version}", "--message", f"Modelyard {version}\n\n{entry}")
    print(f"v{version} is committed and tagged; publish it with: git push --follow-tags")
    return 0


def _notes(version: str) -> int:
    """Print the changelog's entry of a version; refuse a tag that is not that of pyproject.toml."""
    current = VERSION_LINE.search(PYPROJECT.read_text())
    assert current is not None, "pyproject.toml has a version"
    if current[1] != version:
        return _refused(f"the tag is v{version}, and pyproject.toml says {current[1]}")
    _, found, after = CHANGELOG.read_text().partition(f"\n## {version} (")
    entry = after.partition("\n")[2].partition("\n## ")[0].strip()
    if not found or not entry:
        return _refused(f"CHANGELOG.md says nothing of {version}")
    print(entry)
    return 0


def _git(*words: str) -> str:
    return subprocess.run(["git", "-C", PROJECT, *words], check=True, capture_output=True, text=True).stdout  # noqa: S607


def _refused(reason: str) -> int:
    print(f"no release: {reason}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
