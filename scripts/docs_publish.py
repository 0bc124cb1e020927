"""Put a built documentation site beside those of other versions, as mike lays them out.

    python3 scripts/docs_publish.py SITE BRANCH VERSION [--latest]

BRANCH is a checkout of the branch that is served. The site goes into its folder VERSION, in place of what was there.
`versions.json` lists the versions, newest first, for the menu of the theme; with --latest, the version is the one to
which the address without a version leads. Sites of other versions are left as they are.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

REDIRECT = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>Modelyard</title>
  <meta http-equiv="refresh" content="0; url={version}/">
</head>
<body><a href="{version}/">The documentation of Modelyard</a></body>
</html>
"""


def publish(site: Path, branch: Path, version: str, latest: bool) -> None:
    """Put a site into a branch.

    Raises:
        ValueError: The version is no name of a folder, or there is no site.
    """
    if not re.fullmatch(r"dev|\d+\.\d+", version):
        raise ValueError(f"{version} is not a version of the documentation: expected dev, or major.minor as 1.2")
    if not (site / "index.html").is_file():
        raise ValueError(f"{site} holds no site: run make docs")
    shutil.rmtree(branch / version, ignore_errors=True)
    shutil.copytree(site, branch / version)
    listing = branch / "versions.json"
    before: list[dict[str, Any]] = json.loads(listing.read_text()) if listing.is_file() else []
    known = {each["version"]: each for each in before} | {version: {"version": version, "title": version}}
    for each in known.values():
        is_latest = each["version"] == version if latest else "latest" in each.get("aliases", ())
        each["aliases"] = ["latest"] if is_latest else []
    listing.write_text(json.dumps(sorted(known.values(), key=_age, reverse=True), indent=2) + "\n")
    shown = next((each["version"] for each in known.values() if each["aliases"]), version)
    (branch / "index.html").write_text(REDIRECT.format(version=shown))
    (branch / ".nojekyll").touch()  # or GitHub leaves out what begins with an underscore


def _age(entry: dict[str, Any]) -> tuple[int, ...]:
    """Return what sorts versions; dev is newer than every release."""
    version = entry["version"]
    return (sys.maxsize,) if version == "dev" else tuple(int(part) for part in version.split("."))


def main() -> int:
    """Publish, or say why not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("site", type=Path)
    parser.add_argument("branch", type=Path)
    parser.add_argument("version", help="dev, or major.minor")
    parser.add_argument("--latest", action="store_true", help="what readers get who name no version")
    options = parser.parse_args()
    try:
        publish(options.site, options.branch, options.version, options.latest)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
