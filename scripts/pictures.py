"""Take the pictures of docs/images: the report of a demo with two mistakes, as a browser shows it.

    python scripts/pictures.py [DEMO]

Needs Chromium on PATH and a repository of `make demo`. The mistakes are a probe's path in a base, which reaches every
model, and a context longer than the cache of the device.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
IMAGES = PROJECT / "docs" / "images"
MISTAKES = {
    "bases/serving/vllm/deployment.yaml": ("path: /health", "path: /helth"),
    "overlays/deepseek-r1-distill-llama-8b-vllm-gpu/vllm.yaml": ("max-model-len: 16384", "max-model-len: 131072"),
}
# Name, width and height of each picture, in pixels.
PICTURES = (("report", 1280, 1050), ("report-phone", 500, 1000))


def main() -> int:
    """Write the pictures; 2 where there is no browser or no demo."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("demo", nargs="?", type=Path, default=PROJECT / "build" / "demo")
    demo = parser.parse_args().demo
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None or not demo.is_dir():
        missing = f"{demo}: run make demo" if browser else "Chromium on PATH"
        print(f"pictures are not taken for lack of {missing}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="modelyard-pictures-") as scratch:
        copy, page = Path(scratch) / "my-platform", Path(scratch) / "report.html"
        shutil.copytree(demo, copy, symlinks=True)
        for name, (right, wrong) in MISTAKES.items():
            text = (copy / name).read_text()
            if right not in text:
                raise SystemExit(f"{name} does not hold {right}")
            (copy / name).write_text(text.replace(right, wrong, 1))
        report = [sys.executable, "-m", "modelyard", "report", str(copy), "--no-policies", "-o", str(page)]
        if subprocess.run(report, check=False).returncode != 1:
            raise SystemExit("the check of a demo with two mistakes should fail with 1")
        IMAGES.mkdir(exist_ok=True)
        for name, width, height in PICTURES:
            _take(browser, page, IMAGES / f"{name}.png", width, height)
    return 0


def _take(browser: str, page: Path, picture: Path, width: int, height: int) -> None:
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += [f"--window-size={width},{height}", f"--screenshot={picture}", page.as_uri()]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL, timeout=120)
    quantise = shutil.which("pngquant")
    if quantise is not None:
        subprocess.run([quantise, "--force", "--skip-if-larger", "--output", str(picture), str(picture)], check=False)


if __name__ == "__main__":
    sys.exit(main())
