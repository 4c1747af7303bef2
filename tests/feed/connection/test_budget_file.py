"""The dial budget over restarts and over processes that run at the same time (F22, P12)."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from kraken_tui.feed.clock import SystemClock
from kraken_tui.feed.connection import budget_file as module
from kraken_tui.feed.connection.budget_file import BudgetFile
from kraken_tui.feed.connection.websocket import _Shell
from kraken_tui.feed.session import Session
from kraken_tui.units import SECOND

DIAL = """
import asyncio, sys
from pathlib import Path
from kraken_tui.feed.connection.budget_file import BudgetFile
from kraken_tui.feed.clock import SystemClock
from kraken_tui.feed.session import Session
clock, session = SystemClock(), Session()
file = BudgetFile(Path(sys.argv[1]), clock)
print("ready", flush=True)
sys.stdin.readline()
made = 0
def dial():
    global made
    if session.dialler.budget.next_allowed(clock.now()) > clock.now():
        return False
    session.dialler.budget.spend(clock.now())
    made += 1
    return True
async def dials():
    for _ in range(25):
        await file.settle(session, dial)
        await asyncio.sleep(0.002)
asyncio.run(dials())
print(made)
"""


def spend(path: Path | None, count: int) -> Session:
    """A run of the program that dials as often as it may, at most `count` times."""
    clock, session = SystemClock(), Session()

    def dial() -> bool:
        if session.dialler.budget.next_allowed(clock.now()) > clock.now():
            return False
        session.dialler.budget.spend(clock.now())
        return True

    async def dials() -> None:
        file = BudgetFile(path, clock)
        for _ in range(count):
            await file.settle(session, dial)
        file.close()

    asyncio.run(dials())
    return session


def test_f22_a_hundred_restarts_dial_thirty_times_in_all(tmp_path: Path) -> None:
    path = tmp_path / "state" / "dials.json"
    for _ in range(100):
        session = spend(path, 1)
    assert len(json.loads(path.read_text())["dials"]) == 30
    assert session.dialler.wait_s(SystemClock().now()) > 590


@pytest.mark.realtime
def test_p12_processes_that_dial_at_the_same_time_share_one_budget(tmp_path: Path) -> None:
    path = tmp_path / "dials.json"
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", DIAL, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for run in runs:
        assert run.stdout is not None
        assert run.stdout.readline() == "ready\n"
    for run in runs:
        assert run.stdin is not None
        run.stdin.write("\n")
        run.stdin.flush()
    made = [int(run.communicate(timeout=20)[0]) for run in runs]
    assert all(run.returncode == 0 for run in runs)
    assert sum(made) == 30
    assert len(json.loads(path.read_text())["dials"]) == 30


async def test_a_cooldown_of_one_window_holds_the_other_back(tmp_path: Path) -> None:
    path, clock = tmp_path / "dials.json", SystemClock()
    first, second = Session(), Session()
    file = BudgetFile(path, clock)
    first.dialling(clock.now(), clock.wall())
    first.disconnected("banned", clock.now(), clock.wall(), http_status=429)
    await file.settle(first)
    assert second.wants_dial(clock.now())
    assert not await file.settle(second, lambda: second.wants_dial(clock.now()))
    assert not second.wants_dial(clock.now())
    assert second.state == "COOLDOWN"
    file.close()


@pytest.mark.parametrize(
    "content", ["", "[1, 2", '{"version": 2}', '{"version": 1, "dials": ["x", 1e9, null]}', "[" * 9999]
)
def test_a_foreign_or_torn_file_is_ignored_and_replaced(tmp_path: Path, content: str) -> None:
    path = tmp_path / "dials.json"
    path.write_text(content)
    session = spend(path, 1)
    assert session.dialler.budget.spent(SystemClock().now()) == 1
    assert len(json.loads(path.read_text())["dials"]) == 1


def test_where_nothing_can_be_written_the_budget_is_kept_in_memory(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    session = spend(blocked / "dials.json", 40)
    assert session.dialler.budget.spent(SystemClock().now()) == 30
    assert spend(tmp_path, 2).dialler.budget.spent(SystemClock().now()) == 2
    assert spend(None, 3).dialler.budget.spent(SystemClock().now()) == 3


def test_two_dials_of_one_instant_count_as_two() -> None:
    session = Session()
    session.restore_dials({"version": 1, "dials": [1000, 1000, 1001]}, 2000, 2000)
    session.restore_dials({"version": 1, "dials": [1000, 1000, 1001, 1002]}, 2000, 2000)
    assert session.dialler.budget.spent(2000) == 4


class SteppedClock:
    """Both clocks by hand; the wall clock may be set."""

    def __init__(self) -> None:
        self.mono, self.shift = 1000 * SECOND, 1_790_000_000 * SECOND

    def now(self) -> int:
        return self.mono

    def wall(self) -> int:
        return self.mono + self.shift


@pytest.mark.parametrize("what", ["dials", "cooldown"])
async def test_what_a_clock_that_was_ahead_wrote_blocks_for_an_hour_at_most(tmp_path: Path, what: str) -> None:
    path, clock, session = tmp_path / "dials.json", SteppedClock(), Session()
    ahead = clock.wall() + 10 * 365 * 86400 * SECOND
    dials, cooldown = ([ahead] * 30, None) if what == "dials" else ([], ahead)
    path.write_text(json.dumps({"version": 1, "dials": dials, "cooldown_until": cooldown}))
    allowed = [600, 3600][what == "cooldown"]
    shell = _Shell(session, "wss://ws.kraken.com/v2", clock, lambda _: None, None, asyncio.Event(), path)
    await shell._budget.settle(session)
    waited = 0
    while not (session.wants_dial(clock.now()) and await shell._budget.settle(session, shell._begin_dial)):
        assert waited <= allowed + 1
        waited += 1
        clock.mono += SECOND
        session.tick(clock.now(), clock.wall())
    assert waited >= allowed - 1


async def test_a_clock_set_back_in_a_running_program_blocks_for_one_window_at_most(tmp_path: Path) -> None:
    path, clock, session = tmp_path / "dials.json", SteppedClock(), Session()
    shell = _Shell(session, "wss://ws.kraken.com/v2", clock, lambda _: None, None, asyncio.Event(), path)
    for _ in range(15):
        assert await shell._budget.settle(session, shell._begin_dial)
        session.disconnected("gone", clock.now(), clock.wall())
        clock.mono += 61 * SECOND
        session.tick(clock.now(), clock.wall())
    clock.shift -= 86400 * SECOND
    waited = 0
    for _ in range(40):
        while not (session.wants_dial(clock.now()) and await shell._budget.settle(session, shell._begin_dial)):
            waited += 1
            clock.mono += SECOND
            session.tick(clock.now(), clock.wall())
        session.disconnected("gone", clock.now(), clock.wall())
    assert waited <= 600 + 40 * 61


class HungDisk:
    """Reading the file hangs until it is let go."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.free, self.hangs = threading.Event(), threading.Event()
        real = module._read

        def read(path: Path) -> object:
            self.hangs.set()
            assert self.free.wait(30)
            return real(path)

        patch.setattr(module, "_read", read)


async def test_a_disk_that_hangs_delays_one_dial_and_costs_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_S", 0.1)
    disk, session, path = HungDisk(monkeypatch), Session(), tmp_path / "dials.json"
    file = BudgetFile(path, SystemClock())
    said: list[int] = []

    def decide() -> bool:
        said.append(len(said))
        session.dialler.budget.spend(SystemClock().now())
        return True

    began = time.monotonic()
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    try:
        assert await file.settle(session, decide)
        assert ticks >= 2, "the loop goes on meanwhile"
        for _ in range(20):
            assert await file.settle(session, decide)
        assert time.monotonic() - began < 2
        assert said == list(range(21)), "each decision is made once"
        disk.free.set()
        while file._thread.busy_s:  # noqa: ASYNC110 - a thread sets no asyncio event
            await asyncio.sleep(0.01)
        await file.settle(session)
        assert len(json.loads(path.read_text())["dials"]) == 21, "nothing is forgotten"
    finally:
        ticking.cancel()
        disk.free.set()
        file.close()


async def test_an_answer_that_comes_too_late_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_S", 0.05)
    disk, session, path = HungDisk(monkeypatch), Session(), tmp_path / "dials.json"
    file = BudgetFile(path, SystemClock())
    assert not await file.settle(session, lambda: False)
    disk.free.set()
    while file._thread.busy_s:  # noqa: ASYNC110 - a thread sets no asyncio event
        await asyncio.sleep(0.01)
    assert not path.exists()
    file.close()


async def test_a_defect_in_the_decision_is_heard_of(tmp_path: Path) -> None:
    file = BudgetFile(tmp_path / "dials.json", SystemClock())

    def decide() -> bool:
        raise ValueError("a defect")

    with pytest.raises(ValueError, match="a defect"):
        await file.settle(Session(), decide)
    file.close()
