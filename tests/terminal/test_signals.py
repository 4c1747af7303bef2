"""Where the screen can run, and how signals end a command that has none."""

from __future__ import annotations

import io
import signal
import subprocess
import sys

import pytest

from kraken_tui.terminal import signals as terminal


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_obstacles_of_the_screen() -> None:
    good = {"TERM": "xterm-256color"}
    assert terminal.obstacle(Tty(), Tty(), good) == ""
    assert terminal.obstacle(io.StringIO(), Tty(), good) == "standard input is not one"
    assert terminal.obstacle(Tty(), io.StringIO(), good) == "standard output is not one"
    assert terminal.obstacle(Tty(), None, good) == "standard output is not one"
    assert terminal.obstacle(Tty(), Tty(), {}) == "TERM is not set"
    assert terminal.obstacle(Tty(), Tty(), {"TERM": "dumb"}) == "TERM is dumb"


def test_signals_are_noted_and_the_former_handlers_come_back() -> None:
    former = signal.getsignal(signal.SIGTERM)
    with terminal.Signals() as signals:
        assert not signals.came()
        signal.raise_signal(signal.SIGTERM)
        assert signals.number == signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is former


IGNORED = pytest.mark.parametrize("name", ["SIGHUP", "SIGINT", "SIGQUIT"])


@IGNORED
def test_a_signal_that_was_ignored_at_the_start_stays_ignored(name: str) -> None:
    number = getattr(signal, name)
    former = signal.signal(number, signal.SIG_IGN)
    try:
        assert number not in terminal.ending_signals()
        with terminal.Signals() as signals:
            signal.raise_signal(number)
            assert not signals.came()
    finally:
        signal.signal(number, former)
    assert number in terminal.ending_signals()


def test_sigterm_ends_the_program_however_it_was_started() -> None:
    former = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        assert signal.SIGTERM in terminal.ending_signals()
    finally:
        signal.signal(signal.SIGTERM, former)


@pytest.mark.realtime
def test_a_stream_in_the_background_of_a_script_outlives_the_scripts_ctrl_c() -> None:
    program = f"exec {sys.executable} -m kraken_tui stream --demo --count 60 --levels 1"
    process = subprocess.Popen(
        ["sh", "-c", f"trap '' INT; {program}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert len([line for line in out.splitlines() if '"event":"book"' in line or '"event":"trade"' in line]) >= 55


@pytest.mark.realtime
def test_a_second_signal_ends_the_process_at_once() -> None:
    code = (
        "import signal, time\n"
        "from kraken_tui.terminal.signals import Signals\n"
        "with Signals():\n"
        "    signal.raise_signal(signal.SIGINT)\n"
        "    signal.raise_signal(signal.SIGTERM)\n"
        "    time.sleep(20)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 128 + signal.SIGTERM
