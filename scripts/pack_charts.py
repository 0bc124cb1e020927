"""Pack charts from checked-out sources into the cache, to check with them where their repositories cannot be reached.

    python scripts/pack_charts.py SOURCES... [--as NAME=VERSION]...

Every folder below SOURCES with a Chart.yaml is packed as it lies there, without what its `.helmignore` names. Nothing
is downloaded: a chart that another one depends on lies in its `charts` folder. Projects that write the version when
they release are told it by `--as`. What is packed so is marked as local: it never enters `charts.lock`, what is locked
and fetched is used before it, and `modelyard check` says of each that it is not what its publisher offers.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import shutil
import sys
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from modelyard.repository import Files
from modelyard.repository.helmignore import RefusedPattern, files_of_chart
from modelyard.repository.locks import local_folder


class NotPacked(Exception):
    """A chart's sources are not whole; the text says what is missing."""


def main(words: list[str] | None = None) -> int:
    """Pack every chart and say where each is; 1 where one is not whole."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("sources", nargs="+", type=Path, metavar="SOURCES")
    options.add_argument("--as", action="append", default=[], dest="versions", metavar="NAME=VERSION")
    given = options.parse_args(words)
    versions = dict(each.split("=", 1) for each in given.versions)
    code = 0
    for folder in charts(given.sources):
        try:
            name, version, content = packed(folder, versions)
        except (NotPacked, RefusedPattern) as reason:
            print(f"{folder}: {reason}", file=sys.stderr)
            code = 1
            continue
        print(f"{name} {version} (local): {kept(name, version, content)}")
    return code


def charts(sources: list[Path]) -> Iterator[Path]:
    """Yield the folders with a chart; charts inside a chart are its dependencies."""
    for source in sources:
        found: list[Path] = []
        for file in sorted(source.rglob("Chart.yaml"), key=lambda path: len(path.parts)):
            if not any(above / "charts" in file.parents for above in found):
                found.append(file.parent)
        yield from sorted(found)


def packed(folder: Path, versions: Mapping[str, str]) -> tuple[str, str, bytes]:
    """Return name, version and archive of a chart; the same bytes every time.

    Args:
        folder: The chart's folder.
        versions: Versions by the chart's name, where Chart.yaml has another one.

    Raises:
        NotPacked: Chart.yaml has no name or version, or a chart that it depends on is not there.
    """
    told = yaml.safe_load((folder / "Chart.yaml").read_text())
    if not isinstance(told, dict) or not told.get("name") or not told.get("version"):
        raise NotPacked("Chart.yaml has no name and version")
    name = str(told["name"])
    version = versions.get(name, str(told["version"]))
    missing = [each["name"] for each in told.get("dependencies") or () if not _has(folder, each)]
    if missing:
        raise NotPacked(f"it depends on {', '.join(missing)}; put each into {folder / 'charts'}")
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for inside in sorted(_files(folder)):
            content = (folder / inside).read_bytes()
            if inside == "Chart.yaml" and version != str(told["version"]):
                content = yaml.safe_dump({**told, "version": version}).encode()
            member = tarfile.TarInfo(f"{name}/{inside}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return name, version, gzip.compress(raw.getvalue(), mtime=0)


def kept(name: str, version: str, content: bytes) -> Path:
    """Put an archive where the check looks for local ones, in the place of one that was packed before."""
    folder = local_folder(name, version)
    if folder is None:
        raise SystemExit(f"{name} {version} is not the name of a chart")
    shutil.rmtree(folder, ignore_errors=True)
    path = folder / hashlib.sha256(content).hexdigest() / "content.tgz"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def _files(folder: Path, above: str = "") -> Iterator[str]:
    """Yield what a chart's archive holds; each chart that it depends on is packed by its own `.helmignore`."""
    folder = folder.resolve()
    dependencies = [path.parent for path in folder.glob("charts/*/Chart.yaml")]
    inside = {each.relative_to(folder).as_posix() for each in dependencies}
    for path in files_of_chart(Files(folder.parent), folder.name):
        name = path.removeprefix(f"{folder.name}/")
        if not name.startswith(tuple(f"{each}/" for each in inside)):
            yield f"{above}{name}"
    for each in dependencies:
        yield from _files(each, f"{above}charts/{each.name}/")


def _has(folder: Path, dependency: Mapping[str, Any]) -> bool:
    name = str(dependency["name"])
    inside = folder / "charts"
    return (inside / name / "Chart.yaml").is_file() or any(inside.glob(f"{name}-*.tgz"))


if __name__ == "__main__":
    raise SystemExit(main())
