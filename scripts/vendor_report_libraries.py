"""Take the libraries of the HTML report from their npm packages, byte for byte.

Usage: python scripts/vendor_report_libraries.py [--check]

Needs npm and its registry. `src/modelyard/htmlreport/assets/vendor/libraries.json` names each package, its version and
the file; to raise a version, edit it there and run this. With --check nothing is written; it exits with 1 when a file
here is not the one that the package holds.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "src/modelyard/htmlreport/assets/vendor"
RECORD = FOLDER / "libraries.json"


def main() -> int:
    """Write or compare; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is not the package's")
    arguments = parser.parse_args()
    record = json.loads(RECORD.read_text())
    wanted: dict[Path, bytes] = {}
    for library in record["libraries"]:
        archive = _packed(f"{library['name']}@{library['version']}")
        digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        library["integrity"] = f"sha512-{digest}"
        with tarfile.open(archive) as package:
            script = _member(package, library["path"])
            library["sha256"] = hashlib.sha256(script).hexdigest()
            wanted[FOLDER / library["file"]] = script
            for notice in library["notices"]:
                wanted[FOLDER / f"{library['name']}.{notice}"] = _member(package, notice)
    wanted[RECORD] = (json.dumps(record, indent=2) + "\n").encode()
    stale = [path for path, content in wanted.items() if not path.is_file() or path.read_bytes() != content]
    if arguments.check:
        for path in stale:
            print(f"{path} is not what the package holds", file=sys.stderr)
        return int(bool(stale))
    for path in stale:
        path.write_bytes(wanted[path])
    return 0


def _packed(package: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="modelyard-vendor-"))
    subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True, stdout=subprocess.DEVNULL)  # noqa: S607 - npm of this machine
    return next(folder.glob("*.tgz"))


def _member(package: tarfile.TarFile, path: str) -> bytes:
    stream = package.extractfile(f"package/{path}")
    if stream is None:
        raise SystemExit(f"the package holds no file {path}")
    return stream.read()


if __name__ == "__main__":
    sys.exit(main())
