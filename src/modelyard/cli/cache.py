"""`modelyard cache`."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from modelyard.cli.boundary import verb
from modelyard.cli.options import AsJson
from modelyard.findings import ExitCode

if TYPE_CHECKING:
    from modelyard.tooling.kept import Usage


def application() -> typer.Typer:
    """Return the verb with its own verbs."""
    app = typer.Typer(help="Show and prune the cache.", no_args_is_help=True, rich_markup_mode=None)
    app.callback()(_cache)
    app.command("info")(info)
    app.command("prune")(prune)
    return app


def _cache() -> None:
    """Show and prune the cache. MODELYARD_CACHE_DIR says where it is; removing any of it is safe at any time."""


@verb
def info(as_json: AsJson = False) -> int:
    """Show what the cache holds: entries, size, and how long the oldest was not used."""
    from modelyard.tooling import cache
    from modelyard.tooling.kept import usage

    held, now = usage(), time.time()
    if as_json:
        from modelyard.reporting import json_text

        parts = [
            {
                "name": each.part.name,
                "holds": each.part.holds,
                "fetched": each.part.fetched,
                "entries": len(each.entries),
                "bytes": each.size,
                "oldest_days": _oldest_days(each, now),
            }
            for each in held
        ]
        sys.stdout.write(json_text({"folder": str(cache()), "bytes": sum(each.size for each in held), "parts": parts}))
        return ExitCode.CLEAN
    sys.stdout.write(f"{cache()}: {_size(sum(each.size for each in held))}\n")
    for each in held:
        days = _oldest_days(each, now)
        age = "" if days is None else f", oldest {days} days"
        told = f"{_size(each.size):>10}  {each.part.name:<10}  {len(each.entries):,} items{age}"
        sys.stdout.write(f"{told:<50}  {each.part.holds}\n")
    return ExitCode.CLEAN


@verb
def prune(
    older_than: Annotated[
        int, typer.Option("--older-than", metavar="DAYS", min=0, help="Remove what was not used for so many days.")
    ] = 30,
    max_size: Annotated[
        int, typer.Option("--max-size", metavar="MIB", min=0, help="Keep renderings up to this size, the newest.")
    ] = 512,
    fetched: Annotated[
        bool, typer.Option("--fetched", help="Remove charts and definitions too, which `modelyard fetch` has to bring.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed; remove nothing.")] = False,
    as_json: AsJson = False,
) -> int:
    """Remove what was not used for some time. Checks that run meanwhile go on; what is an hour old or less stays."""
    from modelyard.tooling.kept import DAY_SECONDS, MEBIBYTE, removable, remove, usage

    entries = removable(
        usage(), time.time(), older_than=older_than * DAY_SECONDS, most=max_size * MEBIBYTE, fetched=fetched
    )
    free = sum(each.size for each in entries) if dry_run else remove(entries)
    if as_json:
        from modelyard.reporting import json_text

        paths = [str(each.path) for each in entries]
        sys.stdout.write(json_text({"dry_run": dry_run, "bytes": free, "removed": paths}))
        return ExitCode.CLEAN
    from modelyard.wording import counted

    told = f"{counted(len(entries), 'cached item')} {'would be ' if dry_run else ''}removed, {_size(free)}"
    sys.stdout.write(f"{told}\n")
    return ExitCode.CLEAN


def _oldest_days(held: Usage, now: float) -> int | None:
    return max(0, int((now - held.entries[0].used) / 86400)) if held.entries else None


def _size(count: int) -> str:
    return f"{count / 1024 / 1024:.1f} MiB"
