#!/usr/bin/env -S python3 -I -S
"""A stand-in for programs that talk to a cloud: writes down how it was called and answers as a test says.

It is copied under a program's name into a folder of PATH. Beside it lie `calls.jsonl`, which it extends, and
`answers.json`, a list of `[pattern, exit status, output]`: the first whose pattern is found in the command line counts,
and one that starts with `once:` counts one time only. What asks a port of this machine waits until one is forwarded, as
a real connection would.
"""

import json
import re
import sys
import time
from pathlib import Path

here = Path(__file__).parent
words = [Path(sys.argv[0]).name, *sys.argv[1:]]
line = " ".join(words)
told = (
    sys.stdin.read()
    if "file:///dev/stdin" in words or words[-2:] == ["-f", "-"] or "-f - " in line or "@-" in words
    else ""
)
with (here / "calls.jsonl").open("a") as calls:
    calls.write(json.dumps({"line": line, "stdin": told}) + "\n")
if words[:2] == ["helm", "pull"]:
    version, folder = (words[words.index(name) + 1] for name in ("--version", "--destination"))
    Path(folder, f"{words[2]}-{version}.tgz").write_text("the chart")
deadline = time.monotonic() + 30
while words[0] == "curl" and "//127.0.0.1:" in line and "port-forward" not in (here / "calls.jsonl").read_text():
    if time.monotonic() > deadline:
        break
    time.sleep(0.05)
answers = json.loads((here / "answers.json").read_text())
for number, (pattern, status, output) in enumerate(answers):
    if re.search(pattern.removeprefix("once:"), line):
        if pattern.startswith("once:"):
            (here / "answers.json").write_text(json.dumps(answers[:number] + answers[number + 1 :]))
        (sys.stderr if status else sys.stdout).write(output)
        sys.exit(status)
