"""Starts one process per client and stream, and reads what it found."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.stream import Files
from kraken_tui import core

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
MOST_S = 300
CONTROLS = 10
"""Messages of a kind whose checksum is falsified to see whether a client notices."""


@dataclass(frozen=True, slots=True)
class Client:
    """A way from frames to a book.

    Attributes:
        name: What the tables call it.
        script: Runner beside this module; "" for the compiled floor.
        peer: Whether it needs the interpreter of the other clients.
        wire: Form of the stream it reads, "v2" or "v1".
        checks: Whether its checksums are switched on where they can be.
        timed: Whether it takes part in the table of costs.
        pure: Whether the compiled core is switched off.
    """

    name: str
    script: str
    peer: bool = False
    wire: str = "v2"
    checks: bool = False
    timed: bool = True
    pure: bool = False


OURS = Client("kraken-tui, decode + book", "run_ours.py", pure=True)
CORE = Client("kraken-tui, decode + book, compiled core", "run_core.py")
PURE_SESSION = Client("kraken-tui, whole session", "run_session.py", pure=True)
SESSION = Client("kraken-tui, whole session, compiled core", "run_session.py")
TEXTBOOK = Client("textbook: json Decimal + SortedDict", "run_textbook.py")
FLOOR = Client("C floor, general JSON parser", "")
PEERS = (
    Client("python-kraken-sdk", "run_sdk.py", peer=True),
    Client("cryptofeed (v1), checksums on", "run_cryptofeed.py", peer=True, wire="v1", checks=True),
    Client("cryptofeed (v1), as it comes", "run_cryptofeed.py", peer=True, wire="v1"),
    Client("ccxt pro, as it comes", "run_ccxt.py", peer=True),
    Client("ccxt pro, checksums on", "run_ccxt.py", peer=True, checks=True, timed=False),
    Client("kracked", "run_kracked.py", peer=True),
)
COMPILED = (CORE, SESSION) if core.update is not None else ()
"""Ours with the compiled core, where there is one."""

OURSELVES = (OURS, PURE_SESSION, *COMPILED)
OWN = (FLOOR, *OURSELVES, TEXTBOOK)


class Failed(Exception):
    """A client could not be run; the text is the reason, for its row."""


@dataclass(frozen=True, slots=True)
class Programs:
    """What the clients are run with.

    Attributes:
        peers: Interpreter of the other clients; None when they are left out.
        floor: The compiled floor; None when it could not be built.
        floor_missing: Why it could not.
    """

    peers: Path | None
    floor: Path | None
    floor_missing: str = ""


def build_floor(folder: Path) -> tuple[Path | None, str]:
    """Compile the floor; (program, "") or (None, reason)."""
    names = [os.environ.get("CC", ""), "cc", "gcc", "clang"]
    compiler = next((found for name in names if name and (found := shutil.which(name))), None)
    if compiler is None:
        return None, "no C compiler (cc, gcc, clang or $CC)"
    program = folder / "floor"
    command = [compiler, "-O3", "-std=gnu11", "-o", str(program), str(HERE / "floor.c")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=MOST_S, check=False)
    if done.returncode:
        return None, f"{compiler} failed: {_last_line(done.stderr)}"
    return program, ""


def measure(
    client: Client, files: Files, programs: Programs, budget_s: float, *, root: Path | None = None
) -> dict[str, Any]:
    """Costs of one client on one stream, of the package in another folder if one is given.

    Returns:
        "passes" (us a message of each pass over the stream), "messages", "alarms", "p50" and "p99" (us).

    Raises:
        Failed: The client could not be run, or gave up.
    """
    return _run(client, files, programs, "measure", budget_s, [], root=root)


def check(client: Client, files: Files, programs: Programs, controls: list[dict[str, Any]]) -> dict[str, Any]:
    """Whether one client keeps the book of a true stream, and which falsified messages it notices.

    Returns:
        "alarms", "errors" by name, "example" of an error, "levels" (counts of all, inexact, missing and surplus ones)
        and "controls", per kind [noticed, tried].

    Raises:
        Failed: The client could not be run, or gave up.
    """
    found = _run(client, files, programs, "check", 0, controls)
    if client is FLOOR and controls:
        found["controls"] = _floor_controls(files, programs, controls)
    return {"errors": {}, "example": "", "levels": {}, "controls": {}, **found}


def controls(files: Files, wire: str) -> list[dict[str, Any]]:
    """Messages with a wrong checksum: the snapshot, and the first updates of one side and of both."""
    frames = (files.v1 if wire == "v1" else files.v2).read_text(encoding="ascii").split("\n")
    v2 = files.v2.read_text(encoding="ascii").split("\n")
    wanted = {"snapshot": 1, "one side": CONTROLS, "both sides": CONTROLS}
    chosen: list[dict[str, Any]] = []
    for number, (frame, twin) in enumerate(zip(frames, v2, strict=True)):
        data = json.loads(twin)["data"][0]
        kind = "snapshot" if number == 0 else "both sides" if data["bids"] and data["asks"] else "one side"
        wrong = re.sub(r'("checksum":|"c":")(\d+)', lambda match: f"{match[1]}{int(match[2]) ^ 1}", frame)
        if wanted[kind] and wrong != frame:
            wanted[kind] -= 1
            chosen.append({"kind": kind, "at": number, "frame": wrong})
    return chosen


def _run(
    client: Client,
    files: Files,
    programs: Programs,
    mode: str,
    budget_s: float,
    falsified: list[dict[str, Any]],
    *,
    root: Path | None = None,
) -> dict[str, Any]:
    if client is FLOOR:
        return _run_floor(files.v2, files, programs, mode, budget_s)
    return _read(*command_of(client, files, programs, mode, budget_s, falsified, root=root))


def command_of(
    client: Client,
    files: Files,
    programs: Programs,
    mode: str,
    budget_s: float,
    falsified: list[dict[str, Any]],
    *,
    extra: dict[str, Any] | None = None,
    root: Path | None = None,
) -> tuple[list[str], dict[str, str]]:
    """Command line and environment of a client's job.

    Args:
        client: Which.
        files: The stream.
        programs: What the clients are run with.
        mode: "measure", "check" or "count"; see driver.py.
        budget_s: How long to measure.
        falsified: Messages with a wrong checksum.
        extra: More of the job.
        root: Where our own package is; None for this revision.
    """
    pair = files.pair
    frames = files.v1 if client.wire == "v1" else files.v2
    python = str(programs.peers) if client.peer else sys.executable
    job = {
        "mode": mode,
        "frames": str(frames),
        "truth": str(files.truth),
        "depth": files.depth,
        "symbol": pair.symbol,
        "v1_symbol": pair.v1_symbol,
        "price_decimals": pair.price_decimals,
        "qty_decimals": pair.qty_decimals,
        "checks": client.checks,
        "budget_s": budget_s,
        "controls": falsified,
        **(extra or {}),
    }
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    if not client.peer:
        environment["PYTHONPATH"] = str(root or ROOT)
    if client.pure:
        environment[core.VARIABLE] = "1"
    return [python, str(HERE / client.script), json.dumps(job)], environment


def _run_floor(frames: Path, files: Files, programs: Programs, mode: str, budget_s: float) -> dict[str, Any]:
    if programs.floor is None:
        raise Failed(programs.floor_missing)
    numbers = (files.depth, files.pair.price_decimals, files.pair.qty_decimals, budget_s)
    return _read([str(programs.floor), str(frames), *map(str, numbers), mode], dict(os.environ))


def _floor_controls(files: Files, programs: Programs, falsified: list[dict[str, Any]]) -> dict[str, list[int]]:
    """The floor goes on after a wrong checksum, so one run with all falsified messages does."""
    frames = files.v2.read_text(encoding="ascii").split("\n")
    for control in falsified:
        frames[control["at"]] = control["frame"]
    path = files.v2.with_suffix(".false")
    path.write_text("\n".join(frames), encoding="ascii")
    noticed = set(_run_floor(path, files, programs, "check", 0)["alarms_at"])
    found: dict[str, list[int]] = {}
    for control in falsified:
        counts = found.setdefault(control["kind"], [0, 0])
        counts[0] += control["at"] in noticed
        counts[1] += 1
    return found


def _read(command: list[str], environment: dict[str, str]) -> dict[str, Any]:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=MOST_S, check=False, env=environment, cwd=ROOT
        )
    except subprocess.TimeoutExpired as error:
        raise Failed(f"no end within {MOST_S} s") from error
    except OSError as error:
        raise Failed(f"cannot be started: {error}") from error
    if done.returncode or not done.stdout.strip():
        raise Failed(_last_line(done.stderr) or f"ended with {done.returncode}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:160] if lines else ""
