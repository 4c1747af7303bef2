"""The first start of a user, as a process: greeted once, in the last row."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("termios", reason="pseudo terminals are a POSIX thing")

from tests.terminal.rig import LIVE, Terminal, clean_env

GREETING = b"keys"


@pytest.mark.realtime
def test_the_first_start_names_the_keys_and_the_second_does_not(tmp_path: Path) -> None:
    env = clean_env(tmp_path)
    for greeted in (True, False):
        with Terminal(env, "--demo") as terminal:
            terminal.until(LIVE)
            # It may have come before or after the first proven book.
            terminal.read(3.0 if GREETING not in terminal.written else 0.1, GREETING)
            assert (GREETING in terminal.written) is greeted
            terminal.send(b"q")
            terminal.ended()
            assert terminal.code == 0
