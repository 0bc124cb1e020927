"""Kills at a chosen change of the disk, so that every state that a kill can leave is gone through in turn."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

# What Python tells before each call that changes the disk or starts a process: https://docs.python.org/3/library/audit_events.html
_CHANGES = frozenset(
    {
        "os.chmod",
        "os.link",
        "os.mkdir",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.symlink",
        "os.truncate",
        "subprocess.Popen",
        "os.fork",
    }
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_IGNORED = ("/dev/", "/proc/")


def kill_before(fatal: int, *, with_children: bool = False) -> Callable[[], int]:
    """Kill this process before a change of the disk; return a function that counts so far.

    Args:
        fatal: Number of the change, from 1; 0 only counts.
        with_children: Whether a process that this one forks counts on, and takes its parent with it, as a machine that
            stops does; otherwise it is left alone.
    """
    count = 0
    first = os.getpid()

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        if event == "open":
            path, _, flags = arguments[:3]
            if not isinstance(flags, int) or not flags & _WRITING or str(path).startswith(_IGNORED):
                return
        elif event not in _CHANGES:
            return
        if os.getpid() != first and not with_children:
            return
        count += 1
        if count == fatal:
            if os.getpid() != first:
                os.kill(os.getppid(), signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    return lambda: count


def in_a_process(call: Callable[[], object]) -> int:
    """Run something in a process of its own and return how it ended: 0, 3 for an exception, or 128 and the signal."""
    child = os.fork()
    if child == 0:
        try:
            call()
            os._exit(0)
        except BaseException:
            os._exit(3)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return 128 - code if code < 0 else code
