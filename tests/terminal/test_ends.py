"""However the screen ends, the terminal is as it was: faults F91 to F94 and F99 of RELIABILITY.md, on a real pty."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import termios
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("termios", reason="pseudo terminals are a POSIX thing")

from benchmarks.cells import Cells
from kraken_tui.recording.reader import Recording
from tests.faults.ledger import Ledger
from tests.terminal import ends, kills
from tests.terminal.rig import (
    GUARD_S,
    KILLS,
    LIVE,
    NOBODY,
    SIZE,
    Terminal,
    children_of,
    clean_env,
    left_behind,
    ms,
    runs,
    wait_for,
)

pytestmark = pytest.mark.realtime

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return clean_env(tmp_path)


def said_after(terminal: Terminal) -> str:
    """What was written after the screen was left, without the sequences."""
    tail = terminal.written.rpartition(b"\x1b[?1049l")[2].decode()
    return re.sub(r"\x1b\[[?\d;]*[a-z]", "", tail)


# -- F91: signals -------------------------------------------------------------------------------------------------


RESTORED = "echo, line mode, cursor, mouse and main screen back, 128+n, no process left"


@pytest.mark.parametrize("number", ENDING)
def test_f91_a_signal_ends_a_live_screen(env: dict[str, str], number: int, ledger: Ledger) -> None:
    with Terminal(env, "--demo") as terminal:
        terminal.until(LIVE)
        children = children_of(terminal.pid)
        terminal.signal(number)
        taken, wrong = terminal.restoration()
        assert wrong == []
        took = taken + terminal.ended()
        assert terminal.code == 128 + number
        assert said_after(terminal) == ""
        assert children
        assert not any(runs(child) for child in children)
    name = signal.Signals(number).name
    ledger(RESTORED, f"{name}, live: {ms(taken)}, exit {terminal.code} after {ms(took)}", "500 ms")


@pytest.mark.parametrize("how", ["TERM", "HUP"])
def test_f91_a_signal_ends_the_program_in_every_other_state(env: dict[str, str], how: str, ledger: Ledger) -> None:
    states = tuple(state for state in ends.STATES if state != "live")
    found = end_side_by_side(states, how, env)
    slowest = max(end.restored_s for end in found)
    ledger(RESTORED, f"SIG{how}, {', '.join(states)}: {ms(slowest)} at most; more: see By command", "500 ms")


def end_side_by_side(states: tuple[str, ...], how: str, env: dict[str, str]) -> list[ends.End]:
    """One end in each state, all clean."""
    gate = ends.Gate()

    def end(state: str) -> ends.End:
        # Files of its own: a ban that one program was told is heeded by the others of that user.
        own = {key: f"{value}-{state}" for key, value in env.items() if key.startswith("XDG_")}
        return ends.end_once(state, how, argv[state], {**env, **own}, gate)

    with ends.peers(*states) as argv, ThreadPoolExecutor(len(states)) as pool:
        found = list(pool.map(end, states))
    assert [problem for one in found for problem in one.problems] == []
    return found


def test_f91_a_signal_before_the_first_paint(env: dict[str, str], ledger: Ledger) -> None:
    slowest = 0.0
    for delay_s in (0.1, 0.25, 0.4, 0.6):
        with Terminal(env, "--demo") as terminal:
            terminal.read(delay_s)
            terminal.signal(signal.SIGTERM)
            took = terminal.ended()
            assert terminal.code == 128 + signal.SIGTERM
            assert terminal.restoration()[1] == []
            assert "Traceback" not in terminal.written.decode()
            slowest = max(slowest, took)
    ledger(RESTORED, f"SIGTERM 0.1 to 0.6 s after the start: ended after {ms(slowest)} at most", "2 s")


def test_f91_a_signal_while_nobody_reads_the_terminal(env: dict[str, str], ledger: Ledger) -> None:
    with Terminal(env, "--demo", "--fps", "60") as terminal:
        terminal.until(LIVE)
        time.sleep(2.0)
        start = time.monotonic()
        terminal.signal(signal.SIGTERM)
        assert terminal.process.wait(GUARD_S) == 128 + signal.SIGTERM
        took = time.monotonic() - start
        assert terminal.restoration()[1] == []
    ledger(RESTORED, f"SIGTERM, terminal unread for 2 s: ended after {ms(took)}", "2 s")


# -- F92: what cannot be caught -----------------------------------------------------------------------------------


def test_f92_kills_are_undone_by_the_guardian(tmp_path: Path, ledger: Ledger) -> None:
    tally = kills.Tally()
    env = clean_env(tmp_path)
    for number in KILLS:
        kills.kill_once(tally, number, None, env)
    kills.kill_once(tally, KILLS[0], 0.5, env)
    assert tally.problems == []
    assert tally.restored == 3
    assert tally.orphans == 0
    seen = f"KILL and SEGV, 3 of 3: {ms(max(tally.restored_s))} at most, 0 orphans; 1,000: see By command"
    ledger("the guardian restores", seen, "1 s")


def test_f92_the_whole_process_group_is_killed(env: dict[str, str], ledger: Ledger) -> None:
    with Terminal(env, "--demo") as terminal:
        terminal.until(LIVE)
        os.killpg(terminal.pid, signal.SIGKILL)
        taken, wrong = terminal.restoration()
        assert wrong == []
    ledger("the guardian restores", f"the whole process group killed: {ms(taken)}", "1 s")


def test_f92_a_kill_while_nobody_reads_the_terminal(env: dict[str, str], ledger: Ledger) -> None:
    with Terminal(env, "--demo", "--fps", "60") as terminal:
        terminal.until(LIVE)
        (guardian,) = children_of(terminal.pid)
        time.sleep(2.0)
        terminal.signal(signal.SIGKILL)
        terminal.process.wait()
        took = wait_for(lambda: not runs(guardian))
        assert terminal.restoration()[1] == []
    ledger("the guardian restores", f"terminal unread for 2 s: {ms(took)}", "1 s")


def test_f92_a_kill_while_suspended_leaves_the_shell_its_terminal(env: dict[str, str]) -> None:
    with Terminal(env, "--demo") as terminal:
        terminal.until(LIVE)
        terminal.send(b"\x1a")
        wait_for(lambda: stopped(terminal))
        assert terminal.restoration()[1] == []
        shells = termios.tcgetattr(terminal.slave)
        shells[3] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG)
        termios.tcsetattr(terminal.slave, termios.TCSANOW, shells)
        (guardian,) = children_of(terminal.pid)
        terminal.signal(signal.SIGKILL)
        wait_for(lambda: not runs(guardian))
        assert terminal.read(0.1) == b""
        assert termios.tcgetattr(terminal.slave)[:4] == shells[:4]


def test_f92_without_a_guardian_the_program_still_runs_and_ends(env: dict[str, str]) -> None:
    with Terminal(env, "--demo") as terminal:
        terminal.until(LIVE)
        (guardian,) = children_of(terminal.pid)
        os.kill(guardian, signal.SIGKILL)
        terminal.send(b"q")
        terminal.ended()
        assert terminal.code == 0
        assert terminal.restoration()[1] == []


def stopped(terminal: Terminal) -> bool:
    terminal.read()
    shown = subprocess.run(["ps", "-o", "stat=", "-p", str(terminal.pid)], capture_output=True, text=True, check=False)
    return shown.stdout.startswith("T")


# -- F93: errors of our own ---------------------------------------------------------------------------------------

_INJECT = """
import asyncio, gc, signal, sys, threading, time
from kraken_tui.terminal import leaving
from kraken_tui.tui.app import KrakenApp
from kraken_tui.cli.main import main

def boom(*_):
    raise ZeroDivisionError("injected")

async def task():
    boom()

class Final:
    def __del__(self):
        boom()

class Worker:
    pass

def inject(app, where):
    loop = asyncio.get_running_loop()
    if where == "thread":
        threading.Thread(target=boom).start()
    elif where == "task":
        loop.create_task(task())
        loop.call_later(0.1, gc.collect)
    elif where == "callback":
        loop.call_soon(boom)
    elif where == "timer":
        app.set_timer(0.01, boom)
    elif where == "frames":
        app.tick = boom
        app.frame_tick = boom
        app.set_interval(0.01, app.frame_tick)
    elif where == "engine task":
        engine = app.source._loop
        engine.call_soon_threadsafe(lambda: engine.create_task(task()) and None)
        loop.call_later(0.2, gc.collect)
    elif where == "engine":
        app.source._command(boom)
        app.source._command(lambda worker: setattr(worker, "_publish_frame", boom))
    elif where == "finaliser":
        Final()
    elif where == "recursion":
        def deep():
            deep()
        loop.call_soon(deep)
    elif where.startswith("stuck"):
        loop.call_soon(time.sleep, 3600)

where = sys.argv.pop(1)
if where == "stuck for ever":
    # Its own deadline does not end it either: only what is tried can.
    leaving.HARD_EXIT_S = 3600.0
mounted = KrakenApp.on_mount
def on_mount(app):
    mounted(app)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, inject, app, where)
KrakenApp.on_mount = on_mount
raise SystemExit(main())
"""


@pytest.mark.parametrize(
    "where", ["thread", "task", "callback", "timer", "frames", "engine", "engine task", "recursion"]
)
def test_f93_an_error_anywhere_is_reported_after_the_restore(
    env: dict[str, str], tmp_path: Path, where: str, ledger: Ledger
) -> None:
    log = tmp_path / "log"
    with Terminal(env, where, "--demo", "--log-file", str(log), command=("-c", _INJECT)) as terminal:
        terminal.until(LIVE)
        terminal.signal(signal.SIGUSR1)
        took = terminal.ended()
        name = "RecursionError" if where == "recursion" else "ZeroDivisionError"
        assert terminal.code == 70
        assert said_after(terminal) == f"kraken-tui: internal error ({name}); the report is in {log}\r\n"
        assert terminal.restoration()[1] == []
        assert name in log.read_text()
        assert "Traceback" in log.read_text()
    ledger(
        "restored, then one sentence, report in the log, exit 70", f"{where}: {ms(took)}, exit 70", "1 s, all reported"
    )


def test_f93_an_error_in_a_finaliser_is_noted_and_ends_nothing(
    env: dict[str, str], tmp_path: Path, ledger: Ledger
) -> None:
    log = tmp_path / "log"
    with Terminal(env, "finaliser", "--demo", "--log-file", str(log), command=("-c", _INJECT)) as terminal:
        terminal.until(LIVE)
        terminal.signal(signal.SIGUSR1)
        wait_for(lambda: terminal.read(0.01) is not None and "ZeroDivisionError: injected" in log.read_text())
        terminal.send(b"q")
        terminal.ended()
        assert terminal.code == 0
    ledger("told in the log, ends nothing", "finaliser: told, then q: exit 0", "reported")


# -- F94: the window is gone --------------------------------------------------------------------------------------


@pytest.mark.parametrize("ignored", [(), (signal.SIGHUP,)])
def test_f94_a_closed_window_ends_the_program(env: dict[str, str], ignored: tuple[int, ...], ledger: Ledger) -> None:
    with Terminal(env, "--demo", ignored=ignored) as terminal:
        terminal.until(LIVE)
        children = children_of(terminal.pid)
        terminal.hang_up()
        took = terminal.ended()
        assert terminal.code == 128 + signal.SIGHUP
        wait_for(lambda: not any(runs(child) for child in children))
    seen = f"SIGHUP {'ignored' if ignored else 'heeded'}: exit {terminal.code} after {ms(took)}, no process left"
    ledger("exit", seen, "2 s")


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="needs Linux's account of processor time")
def test_f94_while_the_end_is_held_up_nothing_spins(env: dict[str, str], ledger: Ledger) -> None:
    with Terminal(env, "stuck", "--url", NOBODY, command=("-c", _INJECT), ignored=(signal.SIGHUP,)) as terminal:
        terminal.until(b"retry")
        terminal.signal(signal.SIGUSR1)
        terminal.read(0.3)
        terminal.hang_up()
        start = time.monotonic()
        time.sleep(0.3)
        before, began = processor_s(terminal.pid), time.monotonic()
        time.sleep(0.8)
        # Busy waiting would take all it can get, which beside others is less than a whole core.
        share = (processor_s(terminal.pid) - before) / (time.monotonic() - began)
        assert terminal.process.poll() is None
        terminal.ended()
        took = time.monotonic() - start
        assert terminal.code == 128 + signal.SIGHUP
        assert share <= 0.02
    seen = f"screen's loop stuck: {share * 100:.1f} % of a core until the exit after {took:.2f} s"
    ledger("exit; no busy wait for a terminal that is gone", seen, "1 %, 2 s (stock: 64 %)")


def processor_s(pid: int) -> float:
    """Processor time of all threads of a process, to the nanosecond."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text(encoding="ascii").split()[0]) for task in tasks) / 1e9


# -- F99: quitting, and coming back -------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["q", "ctrl-C"])
def test_f99_a_quit_takes_two_seconds_at_most_in_every_state(env: dict[str, str], how: str, ledger: Ledger) -> None:
    found = end_side_by_side(tuple(ends.STATES), how, env)
    slowest = max(end.ended_s for end in found)
    ledger(
        "clean quit, exit 0, nothing said", f"{how}, {', '.join(ends.STATES)}: ended after {ms(slowest)} at most", "2 s"
    )


def test_f99_a_quit_closes_the_recording(env: dict[str, str], tmp_path: Path, ledger: Ledger) -> None:
    path = tmp_path / "day.jsonl.gz"
    with Terminal(env, "--demo", "--record", str(path)) as terminal:
        terminal.until(LIVE)
        terminal.read(0.5)
        terminal.send(b"q")
        took = terminal.ended()
        assert terminal.code == 0
    recording = Recording(path)
    frames = sum(1 for _ in recording)
    assert recording.problem == ""
    assert frames > 10
    ledger(
        "the recording is closed", f"q: ended after {ms(took)}, all {frames} frames readable, no tail cut off", "2 s"
    )


def test_f99_q_is_heard_while_nobody_reads_the_terminal(env: dict[str, str], ledger: Ledger) -> None:
    with Terminal(env, "--demo", "--fps", "60") as terminal:
        terminal.until(LIVE)
        time.sleep(2.0)
        os.write(terminal.fd, b"q")
        start = time.monotonic()
        assert terminal.process.wait(GUARD_S) == 0
        took = time.monotonic() - start
        assert terminal.restoration()[1] == []
    ledger("clean quit", f"q, terminal unread for 2 s: ended after {ms(took)}", "2 s")


def test_f99_the_second_ctrl_c_ends_at_once(env: dict[str, str], ledger: Ledger) -> None:
    with Terminal(env, "stuck for ever", "--demo", command=("-c", _INJECT)) as terminal:
        terminal.until(LIVE)
        terminal.signal(signal.SIGUSR1)
        terminal.read(0.2)
        terminal.send(b"\x03")
        terminal.read(0.5)
        assert terminal.process.poll() is None
        terminal.send(b"\x03")
        took = terminal.ended()
        assert terminal.code == 128 + signal.SIGINT
        assert terminal.restoration()[1] == []
    ledger("the second ctrl-C ends at once", f"screen's loop stuck: {ms(took)}, exit 130, restored", "200 ms")


def test_f99_ctrl_z_gives_the_terminal_back_and_fg_takes_it_again(env: dict[str, str], ledger: Ledger) -> None:
    with Terminal(env, "--demo") as terminal:
        terminal.until(LIVE)
        raw = termios.tcgetattr(terminal.slave)
        for _ in range(2):
            terminal.send(b"\x1a")
            wait_for(lambda: stopped(terminal))
            assert terminal.restoration()[1] == []
            mark = len(terminal.written)
            terminal.signal(signal.SIGCONT)
            terminal.until(LIVE)
            terminal.read(0.3)
            again = terminal.written[mark:]
            # The whole screen again: the last row as well as the first.
            assert b"\x1b[?1049h" in again
            assert b"BTC/USD" in again
            assert b"quit" in again
            assert termios.tcgetattr(terminal.slave)[:4] == raw[:4]
        terminal.send(b"q")
        terminal.ended()
        assert terminal.code == 0
        assert terminal.restoration()[1] == []
    ledger(
        "the shell gets its terminal, fg takes it again", "2 of 2: restored while stopped, whole screen after", "all"
    )


_LATER = """
import signal, time
from kraken_tui.feed.clock import SystemClock
from kraken_tui.cli.main import main

passed = 0
now, wall = SystemClock.now, time.time_ns
SystemClock.now = lambda clock: now(clock) + passed
time.time_ns = lambda: wall() + passed

def ten_minutes(*_):
    global passed
    passed = 600 * 10**9

signal.signal(signal.SIGUSR2, ten_minutes)
raise SystemExit(main())
"""


def test_f99_fg_after_ten_minutes_is_like_waking_up(env: dict[str, str], ledger: Ledger) -> None:
    """Its clocks, and the exchange's, are moved while it is stopped."""
    with Terminal(env, "--demo", command=("-c", _LATER)) as terminal:
        terminal.until(LIVE)
        terminal.send(b"\x1a")
        wait_for(lambda: stopped(terminal))
        mark = len(terminal.written)
        terminal.signal(signal.SIGUSR2)
        terminal.signal(signal.SIGCONT)
        start = time.monotonic()
        cells, first, lost = Cells(*SIZE), "", False
        while True:
            terminal.read(0.01)
            cells.feed(bytes(terminal.written[mark:]))
            mark = len(terminal.written)
            tabs, badges = cells.rows[0], cells.rows[2]
            first = first or (badges if "ERIFIED" in badges else "")
            lost = lost or any(state in tabs for state in ("DISCONNECTED", "CONNECTING", "SUBSCRIBING"))
            took = time.monotonic() - start
            assert took < GUARD_S
            if "ERIFIED" in badges and "UNVERIFIED" not in badges and "STALE" not in badges:
                break
        assert "STALE" in first
        assert lost
        terminal.send(b"q")
        terminal.ended()
        assert terminal.code == 0
    age = " ".join(first.split("STALE", 1)[1].split()[:2])
    ledger(
        "as F23",
        f"first picture: STALE {age}; reconnected, VERIFIED and fresh after {took:.1f} s",
        "STALE at once; 3 s",
    )


def test_f99_after_fg_no_old_picture_looks_fresh(env: dict[str, str]) -> None:
    clock = re.compile(rb"\d\d:\d\d:\d\d")
    with Terminal(env, "--demo") as terminal:
        terminal.until(LIVE)
        terminal.send(b"\x1a")
        wait_for(lambda: stopped(terminal))
        # Output from before the stop is not a picture from after it.
        terminal.read(0.2)
        time.sleep(3.2)
        since = time.strftime("%H:%M:%S", time.gmtime(time.time() - 1)).encode()
        terminal.signal(signal.SIGCONT)
        # The header's clock is the first time of day on the screen.
        shown = clock.search(terminal.read(GUARD_S, LIVE))
        assert shown is not None
        assert shown[0] >= since or since > b"23:59:50"


def test_f99_a_stop_from_outside_and_a_continuation_out_of_the_blue(env: dict[str, str]) -> None:
    with Terminal(env, "--demo") as terminal:
        terminal.until(LIVE)
        terminal.signal(signal.SIGSTOP)
        wait_for(lambda: stopped(terminal))
        # What a shell does when a job stops.
        termios.tcsetattr(terminal.slave, termios.TCSANOW, terminal.modes)
        terminal.signal(signal.SIGCONT)
        terminal.until(LIVE)
        terminal.signal(signal.SIGCONT)
        terminal.until(LIVE)
        terminal.send(b"q")
        terminal.ended()
        assert terminal.code == 0
        assert terminal.restoration()[1] == []


def test_what_the_tests_call_clean() -> None:
    taken = b"\x1b[?1049h\x1b[?1000h\x1b[?25l\x1b[>25u"
    assert left_behind(b"") == []
    assert left_behind(taken) == ["the cursor is hidden", "mode 1000 is set", "mode 1049 is set"]
    assert left_behind(taken + b"\x1b[?1000l\x1b[?1049l\x1b[?25h") == [
        "the alternate screen was left with its keyboard mode"
    ]
    assert left_behind(taken + b"\x1b[?1000l\x1b[<u\x1b[?1049l\x1b[?25h") == []


_HUNG = """
import sys, time
from kraken_tui.cli.main import main
from kraken_tui.engine.worker import Worker

begun = time.monotonic()
publish = Worker._publish_round

def hang(worker):
    views = worker._views
    if any(view.proof.value == "VERIFIED" for view in views.values()) and time.monotonic() > begun + 3:
        time.sleep(60)
    publish(worker)

Worker._publish_round = hang
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(("key", "name"), [(b"q", "q"), (b"\x03", "ctrl-C")])
def test_f99_a_quit_leaves_an_engine_that_hangs(env: dict[str, str], key: bytes, name: str, ledger: Ledger) -> None:
    with Terminal(env, "--demo", command=("-c", _HUNG)) as terminal:
        terminal.until(LIVE)
        terminal.until(b"ENGINE SILENT")
        terminal.send(key)
        took = terminal.ended()
        assert terminal.code == 0
        assert terminal.restoration()[1] == []
        assert said_after(terminal).strip() == ""
    ledger("clean quit, terminal restored", f"{name}, the engine's thread hung: ended after {ms(took)}", "2 s")
