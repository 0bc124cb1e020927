"""Take the pictures of docs/images: the report of a demo with two mistakes, and its findings in a terminal.

    python scripts/pictures.py [DEMO]

Needs Chromium on PATH and a repository of `make demo`. The mistakes are a probe's path in a base, which reaches every
model, and a context longer than the cache of the device.
"""

from __future__ import annotations

import argparse
import html
import os
import re
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


# The terminal: width and height in pixels, and the colours that the text report uses.
TERMINAL = (1180, 450)
COLOURS = {
    "1": "font-weight:600",
    "2": "color:#8b949e",
    "31": "color:#ff7b72",
    "32": "color:#7ee787",
    "33": "color:#e3b341",
}
COLOURS |= {"34": "color:#79c0ff", "35": "color:#d2a8ff", "36": "color:#76e3ea", "90": "color:#8b949e"}
_SEQUENCE = re.compile(r"\x1b\[([0-9;]*)m")


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
        check = [sys.executable, "-m", "modelyard", "check", str(copy), "--no-policies", "--quiet"]
        colours = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": "100"}
        shown = subprocess.run(check, check=False, capture_output=True, text=True, env=colours).stdout
        terminal = Path(scratch) / "terminal.html"
        terminal.write_text(_terminal(f"$ modelyard check\n{shown}".rstrip()))
        _take(browser, terminal, IMAGES / "finding.png", *TERMINAL)
    return 0


def _terminal(text: str) -> str:
    """Return a page that shows text as a terminal does, with its colours."""
    parts, is_open = [], False
    for number, piece in enumerate(_SEQUENCE.split(text)):
        if number % 2 == 0:
            parts.append(html.escape(piece))
            continue
        styles = [COLOURS[code] for code in piece.split(";") if code in COLOURS]
        parts.append("</span>" if is_open else "")
        is_open = bool(styles)
        parts.append(f'<span style="{";".join(styles)}">' if styles else "")
    parts.append("</span>" if is_open else "")
    look = "margin:0;padding:18px 22px;background:#0d1117;color:#e6edf3;font:14px/1.5 'DejaVu Sans Mono',monospace"
    page = '<!doctype html><meta charset="utf-8"><body style="margin:0;background:#0d1117">'
    return f'{page}<pre style="white-space:pre-wrap;{look}">{"".join(parts)}</pre>'


def _take(browser: str, page: Path, picture: Path, width: int, height: int) -> None:
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += [f"--window-size={width},{height}", f"--screenshot={picture}", page.as_uri()]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL, timeout=120)
    quantise = shutil.which("pngquant")
    if quantise is not None:
        subprocess.run([quantise, "--force", "--skip-if-larger", "--output", str(picture), str(picture)], check=False)


if __name__ == "__main__":
    sys.exit(main())
