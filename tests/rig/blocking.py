"""Blocks the engine's thread at the points where it waits or calls out: a list made from the code itself.

    python -m tests.rig.blocking        prints the list

A point is a line that awaits, or calls something that may not come back soon: a file, a socket, a name server, a lock,
or whoever else is told of an event. `Blocker` lets the engine run and stops its thread the first time it reaches each.
"""

from __future__ import annotations

import ast
import queue
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2] / "kraken_tui"
FOLDERS = ("engine", "feed", "recording", "files.py", "client/newest.py")
"""Where the code of the engine's thread lies."""

ENGINE_THREAD = "kraken-tui-engine"

_FILES = """open open_private write read close fsync flush fstat ftruncate lseek unlink mkdir make_folder replace
    rename samefile stat exists touch read_text write_text read_bytes write_bytes disk_usage lock flock user_folder
    replace_private load save spend emit add handle"""
_SOCKETS = """getaddrinfo connect send recv open_socket close_socket to_thread create_task call_soon_threadsafe
    shutdown proxy_for"""
_OTHERS = """_publish _emit _on_frame _on_events _take _note note callback command transform on_publish publish put
    tick question"""
CALLS_OUT = frozenset(f"{_FILES} {_SOCKETS} {_OTHERS}".split())
"""Names of what may not come back soon: files, sockets and threads, and whoever else is told."""


class Point(NamedTuple):
    """One point; `what` is the name of what is called, or "await"."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.what}"


def _found(file: str, tree: ast.AST) -> Iterator[Point]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith):
            yield Point(file, node.lineno, "await")
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "attr", None) or getattr(node.func, "id", "")
            if name in CALLS_OUT:
                yield Point(file, node.lineno, name)


def points() -> dict[tuple[str, int], Point]:
    """All points by file and line, one a line."""
    found: dict[tuple[str, int], Point] = {}
    for folder in FOLDERS:
        top = ROOT / folder
        for path in sorted(top.rglob("*.py")) if top.is_dir() else [top]:
            file = str(path.relative_to(ROOT))
            for point in _found(file, ast.parse(path.read_text(encoding="utf-8"))):
                found.setdefault((str(path), point.line), point)
    return found


class Blocker:
    """Stops the engine's thread at each point, the first time it comes there.

    Attributes:
        blocked: Where it was stopped so far, in order.
        armed: Where it has not been yet.
    """

    def __init__(self) -> None:
        self.armed = points()
        self.blocked: list[Point] = []
        self._files = {file for file, _ in self.armed}
        self._reached: queue.SimpleQueue[Point] = queue.SimpleQueue()
        self._go_on = threading.Semaphore(0)
        self._open = True

    def install(self) -> None:
        """From now on threads that are started are watched."""
        threading.settrace(self._called)

    def remove(self) -> None:
        """Stop nobody any more."""
        threading.settrace(None)  # type: ignore[arg-type]
        self._open = False
        self._go_on.release()

    def _called(self, frame: FrameType, event: str, _: Any) -> Any:
        if threading.current_thread().name != ENGINE_THREAD:
            sys.settrace(None)
            return None
        return self._line if frame.f_code.co_filename in self._files else None

    def _line(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "line" and self._open:
            point = self.armed.pop((frame.f_code.co_filename, frame.f_lineno), None)
            if point is not None:
                self._reached.put(point)
                self._go_on.acquire()
        return self._line

    def wait(self, seconds: float) -> Point | None:
        """The point the thread stands at now; None where it comes to no other in this time."""
        try:
            point = self._reached.get(timeout=seconds)
        except queue.Empty:
            return None
        self.blocked.append(point)
        return point

    def release(self) -> None:
        """Let the thread go on from the point `wait` told."""
        self._go_on.release()


if __name__ == "__main__":
    for each in points().values():
        print(each)
