"""Run the clients of both load tests against servers of known times, and hold the merged report against them.

Usage: python scripts/loadtest_real.py [--write]

Run by `make loadtest-real`, which installs AIPerf and builds k6. What runs is what is deployed: each client is the
script of the init container of `bases/features/load-test*/cron-job.yaml`, in a process of its own. The servers answer
on 127.0.0.1 and write down when they sent what; the report of `modelyard loadtest report` over all clients must agree
with that within two percent. `--write` writes the page in `docs/`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from modelyard.loadtests import LoadReport, client_result, merged
from modelyard.loadtests.report import percentile

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "load-tests.md"
PROGRAMS = ROOT / "build" / "loadtest"
CLIENTS = 4
SECONDS = 45
TOKENS = 16
ALLOWED = 0.02
SHARES = (50, 95, 99)
# A tokenizer for where AIPerf's own is not at hand: the image holds one, a registry of packages does not.
TOKENIZER = {
    "version": "1.0",
    "pre_tokenizer": {"type": "Whitespace"},
    "model": {"type": "WordLevel", "vocab": {"word": 0, "other": 1}, "unk_token": "other"},
    "added_tokens": [],
}

Times = dict[str, list[float]]


class Refused(Exception):
    """What should have worked did not."""


class KnownServer:
    """A server that answers after known times, and writes down in seconds what it did."""

    def __init__(self) -> None:
        self.times: Times = {}
        self._asked = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        clock = asyncio.get_running_loop().time
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                begun = clock()
                sizes = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                await reader.readexactly(int(sizes[0].split(b":")[1]) if sizes else 0)
                self._asked += 1
                if b" /v1/chat/completions " in head:
                    await self._stream(writer, begun)
                elif b"/infer " in head:
                    # One request in ten takes three times as long.
                    await asyncio.sleep(0.15 if self._asked % 10 == 0 else 0.05)
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                    await writer.drain()
                    self._note("latency", clock() - begun)
                else:
                    writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _stream(self, writer: asyncio.StreamWriter, begun: float) -> None:
        clock = asyncio.get_running_loop().time
        first, pause = (3.0, 0.1) if self._asked % 10 == 0 else (1.0, 0.05)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        sent: list[float] = []
        for token in range(TOKENS):
            await asyncio.sleep(max(0.0, begun + first + token * pause - clock()))
            _event(writer, {"choices": [{"index": 0, "delta": {"content": "word "}}]})
            await writer.drain()
            sent.append(clock())
        counts = {"prompt_tokens": 8, "completion_tokens": TOKENS, "total_tokens": TOKENS + 8}
        _event(writer, {"choices": [], "usage": counts})
        writer.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
        await writer.drain()
        self._note("ttft", sent[0] - begun)
        self._note("inter-token", (sent[-1] - sent[0]) / (TOKENS - 1))
        self._note("latency", sent[-1] - begun)

    def _note(self, metric: str, seconds: float) -> None:
        self.times.setdefault(metric, []).append(seconds)


def _event(writer: asyncio.StreamWriter, content: Mapping[str, Any]) -> None:
    told = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "chat", **content}
    data = f"data: {json.dumps(told)}\n\n".encode()
    writer.write(b"%x\r\n%s\r\n" % (len(data), data))


@contextmanager
def serving() -> Iterator[tuple[KnownServer, int]]:
    """Serve in a thread; yield the server and its port."""
    server, loop, port = KnownServer(), asyncio.new_event_loop(), 0
    listener = loop.run_until_complete(asyncio.start_server(server.serve, "127.0.0.1", 0))
    port = listener.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server, port
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        listener.close()


def run_clients(feature: str, port: int, folder: Path) -> list[Path]:
    """Run the clients of a feature at once, and return the files with their samples."""
    job = yaml.safe_load((ROOT / "bases" / "features" / feature / "cron-job.yaml").read_text())["spec"]["jobTemplate"]
    (client,) = job["spec"]["template"]["spec"]["initContainers"]
    given = {each["name"]: each["value"] for each in client["env"] if "value" in each}
    (folder / "tokenizer").mkdir()
    (folder / "tokenizer" / "tokenizer.json").write_text(json.dumps(TOKENIZER))
    (folder / "tokenizer" / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    running, places = [], []
    for index in range(CLIENTS):
        place = folder / f"client-{index}"
        place.mkdir()
        told = {
            **given,
            "PATH": f"{PROGRAMS / 'bin'}:{os.environ['PATH']}",
            "PROFILE": "baseline",
            "MODEL_NAME": "chat",
            "URL": f"http://127.0.0.1:{port}",
            "HOME": str(place),
            "RESULTS": str(place),
            "JOB_COMPLETION_INDEX": str(index),
            "BEGIN_EVERY": "5",
            "RUN_SECONDS": str(SECONDS),
            "TOKENIZER": str(folder / "tokenizer"),
        }
        with (place / "log").open("w") as log:
            running.append(subprocess.Popen(client["command"], env=told, stdout=log, stderr=log))
        places.append(place)
    for each in running:
        each.wait(timeout=SECONDS + 240)
    name = "samples.jsonl" if feature.endswith("k6") else "profile_export.jsonl"
    for place in places:
        status = place / "status"
        if not status.is_file() or status.read_text().strip() != "0":
            raise Refused(f"{feature}: {place.name} failed: {(place / 'log').read_text()[-2000:]}")
    return [place / name for place in places]


def compared(feature: str, report: LoadReport, times: Times) -> Iterator[tuple[str, int, int, float, float]]:
    """Yield metric, samples, percentile, and the seconds of server and report.

    Raises:
        Refused: They differ by more than is allowed.
    """
    for metric, found in report.percentiles.items():
        known = sorted(times[metric])
        for share in SHARES:
            truth, measured = percentile(known, share / 100), float(getattr(found, f"p{share}"))
            yield metric, found.samples, share, truth, measured
            if abs(measured - truth) > ALLOWED * truth:
                print(
                    f"{feature}: P{share} of {metric} is {measured * 1000:.1f} ms, the server took {truth * 1000:.1f}",
                    file=sys.stderr,
                )


def rows_of(feature: str) -> tuple[list[tuple[str, int, int, float, float]], str]:
    """Return what was compared, and the report as the verb prints it."""
    with tempfile.TemporaryDirectory(prefix="modelyard-loadtest-") as folder, serving() as (server, port):
        files = run_clients(feature, port, Path(folder))
        report = merged([client_result(str(file), file.read_text()) for file in files], expected=CLIENTS)
        verb = [str(ROOT / ".venv/bin/modelyard"), "loadtest", "report", *map(str, files), "--clients", str(CLIENTS)]
        printed = subprocess.run(verb, capture_output=True, text=True, check=False).stdout
        return list(compared(feature, report, server.times)), printed


def page(results: Sequence[tuple[str, list[tuple[str, int, int, float, float]], str]]) -> str:
    """Return the page's part that the script writes."""
    lines = [
        "| client | metric | samples | percentile | server, ms | report, ms | off by |",
        "|---|---|---:|---|---:|---:|---:|",
    ]
    for title, rows, _ in results:
        lines += [
            f"| {title} | {metric} | {samples} | P{share} | {truth * 1000:.1f} | {measured * 1000:.1f} | "
            f"{(measured - truth) / truth:+.1%} |"
            for metric, samples, share, truth, measured in rows
        ]
    for title, _, printed in results:
        lines += ["", f"{title}:", "```", printed.rstrip(), "```"]
    return "\n".join([*lines, ""])


def main(arguments: list[str]) -> int:
    """Run both clients; return 1 where the report is off."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the page")
    options = parser.parse_args(arguments)
    results = []
    for feature, title in (("load-test-k6", "k6"), ("load-test", "AIPerf")):
        rows, printed = rows_of(feature)
        results.append((title, rows, printed))
    made = page(results)
    print(made)
    off = [row for _, rows, _ in results for row in rows if abs(row[4] - row[3]) > ALLOWED * row[3]]
    if options.write and not off:
        before = PAGE.read_text()
        head, mark, _ = before.partition("<!-- written by make loadtest-real -->\n")
        PAGE.write_text(head + mark + made)
    return 1 if off else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
