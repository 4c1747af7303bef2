"""The writer that waits for no stalled terminal, and the guardian by itself on a pty."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator

import pyte
import pytest

pytest.importorskip("termios", reason="pseudo terminals are a POSIX thing")

from kraken_tui.terminal.guardian import KILLED
from kraken_tui.terminal.signals import ending_signals
from kraken_tui.terminal.writer import BACKLOG_BYTES, LEAVE, TerminalWriter, write_urgently
from tests.terminal.rig import GUARD_S, runs, wait_for


class Events:
    """Counts what an output tells."""

    def __init__(self) -> None:
        self.gone = threading.Event()
        self.drained = threading.Event()


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """(the terminal's own end, the program's end) of a pty in raw mode."""
    master, slave = pty.openpty()
    modes = termios.tcgetattr(slave)
    modes[1] &= ~termios.OPOST
    termios.tcsetattr(slave, termios.TCSANOW, modes)
    yield master, slave
    for fd in (master, slave):
        try:
            os.close(fd)
        except OSError:
            # The test closed it.
            continue


def output(fd: int) -> tuple[TerminalWriter, Events]:
    events = Events()
    return TerminalWriter(fd, "utf-8", events.gone.set, events.drained.set), events


def read_all(fd: int, pause_s: float = 0.2) -> bytes:
    found = b""
    while select.select([fd], [], [], pause_s)[0]:
        found += os.read(fd, 65536)
    return found


def test_text_arrives_whole_and_in_order(terminal: tuple[int, int]) -> None:
    master, slave = terminal
    out, _ = output(slave)
    for number in range(300):
        out.write(f"{number}·")
    assert out.finish()
    assert read_all(master, 0.02).decode() == "".join(f"{number}·" for number in range(300))
    assert out.dropped == 0


def test_what_the_encoding_cannot_carry_becomes_a_question_mark(terminal: tuple[int, int]) -> None:
    master, slave = terminal
    out = TerminalWriter(slave, "ascii", lambda: None, lambda: None)
    out.write("a█b")
    assert out.finish()
    assert read_all(master, 0.02) == b"a?b"


def test_a_terminal_that_is_gone_is_told_once_and_writes_are_dropped(terminal: tuple[int, int]) -> None:
    master, slave = terminal
    out, events = output(slave)
    os.close(master)
    out.write("x")
    assert events.gone.wait(GUARD_S)
    out.write("y")
    assert out.dropped == 1
    assert not out.finish()


def test_without_an_alternate_screen_the_prompt_stands_below_the_picture() -> None:
    # pyte knows no alternate screen, like GNU screen as it comes.
    screen = pyte.Screen(20, 6)
    stream = pyte.Stream(screen)
    stream.feed("".join(f"\x1b[{row};1Hrow {row}" for row in range(1, 7)) + "\x1b[2;5H\x1b[41m")
    # Nor the keyboard protocol, of which it would print the last letter.
    stream.feed(LEAVE.replace("\x1b[<u", "") + "$ prompt")
    assert [row.rstrip() for row in screen.display] == ["row 2", "row 3", "row 4", "row 5", "row 6", "$ prompt"]
    assert screen.buffer[5][15].bg == "default"


@pytest.mark.realtime
def test_a_stalled_terminal_costs_one_short_wait_and_then_gets_a_new_picture(terminal: tuple[int, int]) -> None:
    master, slave = terminal
    out, events = output(slave)
    out.write("a" * (BACKLOG_BYTES * 4))
    start = time.monotonic()
    out.write("b")
    assert time.monotonic() - start > 0.2
    assert out.waited_s > 0.2
    start = time.monotonic()
    for _ in range(1000):
        out.write("c" * 1000)
    # A wait for each would take five minutes.
    assert time.monotonic() - start < GUARD_S
    assert out.dropped == 1001
    assert not events.drained.is_set()
    found = bytearray()
    wait_for(lambda: found.extend(read_all(master)) or events.drained.is_set())
    assert set(found) == {ord("a")}
    out.write("d")
    assert out.finish()
    assert read_all(master) == b"d"


@pytest.mark.realtime
def test_a_slow_terminal_is_waited_for_and_loses_nothing(terminal: tuple[int, int]) -> None:
    master, slave = terminal
    out, _ = output(slave)
    found = bytearray()

    def drain() -> None:
        while len(found) < 200_000:
            found.extend(os.read(master, 2048))
            time.sleep(0.002)

    reader = threading.Thread(target=drain)
    reader.start()
    for _ in range(100):
        out.write("s" * 2000)
    reader.join(GUARD_S)
    assert out.finish()
    assert len(found) == 200_000
    assert out.dropped == 0


@pytest.mark.realtime
def test_finishing_on_a_stalled_terminal_takes_half_a_second(terminal: tuple[int, int]) -> None:
    master, slave = terminal
    out, _ = output(slave)
    out.write("a" * (BACKLOG_BYTES * 4))
    wait_for(lambda: out.backlog < BACKLOG_BYTES * 4)
    start = time.monotonic()
    out.discard()
    assert not out.finish()
    assert time.monotonic() - start < GUARD_S
    assert write_urgently(slave, LEAVE)
    assert read_all(master).endswith(LEAVE.encode())


# -- the guardian by itself ---------------------------------------------------------------------------------------

_PARENT = """
import os, sys, termios
from kraken_tui.terminal.guardian import Guardian
guardian = Guardian()
guardian.start()
before = termios.tcgetattr(0)
mine = termios.tcgetattr(0)
mine[3] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG)
guardian.taken(before, mine[3])
termios.tcsetattr(0, termios.TCSANOW, mine)
if "released" in sys.argv:
    guardian.released()
os.write(2, b"%d\\n" % guardian.pid)
sys.stdin.buffer.raw.read(1)
guardian.close()
os.write(2, b"closed\\n")
sys.stdin.buffer.raw.read(1)
"""


def guarded(slave: int, *argv: str) -> tuple[subprocess.Popen[bytes], int]:
    """A program with a guardian on the terminal, and the guardian's process id."""
    program = subprocess.Popen(
        [sys.executable, "-c", _PARENT, *argv],
        stdin=slave,
        stdout=slave,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert program.stderr is not None
    return program, int(program.stderr.readline())


@pytest.mark.realtime
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
def test_the_guardian_restores_after_a_kill_and_ends(terminal: tuple[int, int], number: int) -> None:
    master, slave = terminal
    before = termios.tcgetattr(slave)
    program, pid = guarded(slave)
    assert termios.tcgetattr(slave)[3] != before[3]
    # Nothing that reaches the program's terminal or its name ends the guardian.
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP, signal.SIGPIPE):
        os.kill(pid, other)
    assert runs(pid)
    program.send_signal(number)
    wait_for(lambda: not runs(pid))
    assert termios.tcgetattr(slave) == before
    assert read_all(master).decode() == LEAVE + KILLED
    program.communicate()


@pytest.mark.realtime
def test_a_released_terminal_is_left_alone(terminal: tuple[int, int]) -> None:
    master, slave = terminal
    program, pid = guarded(slave, "released")
    shells = termios.tcgetattr(slave)
    program.kill()
    wait_for(lambda: not runs(pid))
    assert termios.tcgetattr(slave) == shells
    assert read_all(master) == b""
    program.communicate()


@pytest.mark.realtime
def test_modes_that_somebody_else_has_set_meanwhile_stay(terminal: tuple[int, int]) -> None:
    master, slave = terminal
    program, pid = guarded(slave)
    shells = termios.tcgetattr(slave)
    # A line editor: no echo, no lines, but signals.
    shells[3] |= termios.ISIG | termios.IEXTEN
    termios.tcsetattr(slave, termios.TCSANOW, shells)
    program.kill()
    wait_for(lambda: not runs(pid))
    assert termios.tcgetattr(slave) == shells
    assert read_all(master).decode() == LEAVE + KILLED
    program.communicate()


@pytest.mark.realtime
def test_a_guardian_that_is_let_go_is_gone_before_the_program(terminal: tuple[int, int]) -> None:
    master, slave = terminal
    program, pid = guarded(slave, "released")
    os.write(master, b"x")
    assert program.stderr is not None
    assert program.stderr.readline() == b"closed\n"
    assert not runs(pid)
    program.kill()
    program.communicate()
    assert b"\x1b" not in read_all(master)


@pytest.mark.realtime
def test_the_guardians_command_line_does_not_name_the_program(terminal: tuple[int, int]) -> None:
    _, slave = terminal
    program, pid = guarded(slave)
    shown = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=True)
    assert "erminal guardian" in shown.stdout
    assert "kraken" not in shown.stdout
    program.kill()
    program.communicate()


def test_a_hangup_that_was_ignored_at_the_start_stays_ignored() -> None:
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert signal.SIGHUP not in ending_signals()
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        assert signal.SIGHUP in ending_signals()
    finally:
        signal.signal(signal.SIGHUP, former)
