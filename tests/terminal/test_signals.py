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
