"""What terminals send that no person typed, sizes nobody has, and terminals that cannot do much: F95 to F97."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("termios", reason="pseudo terminals are a POSIX thing")

from hypothesis import given
from hypothesis import strategies as st
from textual.events import Key, Paste

from kraken_tui.tui.driver import _Keys
from tests.terminal.rig import LIVE, PROGRAM, Terminal, children_of, clean_env, runs, wait_for

HELP = b"Esc closes"

NONSENSE = {
    "no utf-8": b"\xff",
    "half a character": b"\xe2\x82",
    "only continuations": b"\x80\xbf\x80",
    "half a sequence": b"\x1b[",
    "half a mouse report": b"\x1b[<0;3",
    "an unasked clipboard": b"\x1b]52;c;AAAA",
    "half a device string": b"\x1bP1$r",
    "a mouse far away": b"\x1b[<999;999999;9999999M",
    "a mouse before the start": b"\x1b[<0;-5;0M",
    "no size at all": b"\x1b[48;0;0;0;0t",
    "modes nobody has": b"\x1b[?2026;9$y\x1b[?9999;1$y",
    "keys nobody has": b"\x1b[99999;9999u\x1b[57358;;1114112u\x1b[1:2:3;4:5u",
    "zeros": b"\0" * 100,
    "a large paste": b"\x1b[200~" + b"q" * 200_000 + b"\x1b[201~",
    "a paste full of sequences": b"\x1b[200~\x1b[48;1;1;1;1t\xff\x1b[<0;1;1M\x1b[201~",
}


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return clean_env(tmp_path)


@pytest.fixture
def live(env: dict[str, str]) -> Iterator[Terminal]:
    """A live screen; it must quit properly in the end."""
    with Terminal(env, "--demo") as terminal:
        terminal.until(LIVE)
        yield terminal
        terminal.send(b"q")
        terminal.ended()
        assert terminal.code == 0
        assert terminal.restoration()[1] == []


def help_opens(terminal: Terminal) -> bool:
    """Whether a key is still heard and the screen still drawn."""
    terminal.send(b"?")
    heard = HELP in terminal.read(3.0, HELP)
    terminal.send(b"\x1b")
    terminal.read(0.2)
    return heard


# -- F95: input ---------------------------------------------------------------------------------------------------


@pytest.mark.realtime
def test_f95_nonsense_on_the_input_is_survived(live: Terminal) -> None:
    for name, data in NONSENSE.items():
        live.send(data)
        # A flood of keys is over half a second after its last one.
        live.read(0.6 if len(data) >= 100 else 0.2)
        assert live.process.poll() is None, name
        assert help_opens(live), name


@pytest.mark.realtime
def test_f95_an_unmarked_paste_is_not_obeyed_key_by_key(live: Terminal) -> None:
    live.send(b"j" * 50_000)
    live.read(2.0)
    assert help_opens(live)


@pytest.mark.realtime
def test_f95_a_paste_that_never_ends_swallows_keys_for_two_seconds_only(live: Terminal) -> None:
    live.send(b"\x1b[200~qqq")
    live.read(2.4)
    assert live.process.poll() is None
    assert help_opens(live)


@given(st.lists(st.binary(max_size=40) | st.sampled_from(sorted(NONSENSE.values(), key=len)[:-1]), max_size=8))
def test_f95_no_bytes_stop_the_reader_and_the_next_key_is_heard(chunks: list[bytes]) -> None:
    keys = _Keys(debug=False)
    for chunk in chunks:
        keys.feed(chunk)
    # Whatever is open is closed: a paste by its end, a sequence by a letter and a pause.
    keys.feed(b"\x1b[201~")
    keys.feed(b"\x1b")
    keys._parser._timeout_time = 0.0
    keys.feed(None)
    heard = keys.feed(b"q")
    assert [message.key for message in heard if isinstance(message, Key)][-1:] == ["q"]


def test_a_split_paste_is_one_paste_and_split_characters_are_whole() -> None:
    keys = _Keys(debug=False)
    data = b"\x1b[200~" + "€".encode() * 3 + b"\x1b[201~q"
    messages = [message for at in range(len(data)) for message in keys.feed(data[at : at + 1])]
    assert [message.text for message in messages if isinstance(message, Paste)] == ["€€€"]
    assert [message.key for message in messages if isinstance(message, Key)] == ["q"]


# -- F96: sizes ---------------------------------------------------------------------------------------------------


@pytest.mark.realtime
def test_f96_impossible_sizes_are_survived(live: Terminal) -> None:
    for size in [(0, 0), (1, 1), (1000, 300), (65535, 65535), (2, 3), (1, 300), (500, 1)]:
        live.resize(*size)
        live.read(0.25)
        assert live.process.poll() is None, size
    live.resize(120, 40)
    # The last row of the market.
    live.until(b"quit")
    assert help_opens(live)


@pytest.mark.realtime
def test_f96_four_hundred_resizes_a_second(live: Terminal) -> None:
    start = time.monotonic()
    for count in range(1200):
        live.resize(60 + count % 200, 12 + count % 50)
        while (ahead := start + count / 400 - time.monotonic()) > 0:
            live.read(min(ahead, 0.001))
    assert time.monotonic() - start < 6.0
    live.resize(100, 35)
    mark = time.monotonic()
    live.until(b"quit")
    assert time.monotonic() - mark < 0.25 + 0.75
    assert LIVE in live.read(5.0, LIVE)
    assert b"1 failed" not in live.written


# -- F97: poor terminals, and none --------------------------------------------------------------------------------


@pytest.mark.realtime
@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ("stdin", "standard input is not one"),
        ("stdout", "standard output is not one"),
        ("closed", "standard output is not one"),
        ("TERM=dumb", "TERM is dumb"),
        ("TERM=", "TERM is not set"),
    ],
)
def test_f97_no_terminal_is_wrong_use(env: dict[str, str], missing: str, reason: str) -> None:
    command = {
        "stdin": '"$@" < /dev/null',
        "stdout": '"$@" | cat; exit ${PIPESTATUS[0]}',
        "closed": '"$@" >&-',
    }.get(missing, f'{missing} "$@"' if "=" in missing else "")
    shell = ("-c", "import os, sys; os.execvp('bash', ['bash', '-c', *sys.argv[1:]])")
    start = time.monotonic()
    with Terminal(env, command, "bash", sys.executable, *PROGRAM, command=shell) as terminal:
        terminal.ended()
        terminal.read(0.05)
        assert terminal.code == 2
        said = terminal.written.decode()
        assert said.count("\n") == 1
        assert reason in said
        assert "kraken-tui stream BTC/USD" in said
        assert "\x1b" not in said
    assert time.monotonic() - start < 2.0


@pytest.mark.realtime
@pytest.mark.parametrize(
    "changes",
    [
        {"NO_COLOR": "1"},
        {"TERM": "linux"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"},
        {"TERM": "screen", "COLORTERM": ""},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_f97_a_poor_terminal_still_says_what_is_proven(env: dict[str, str], changes: dict[str, str]) -> None:
    with Terminal({**env, **changes}, "--demo") as terminal:
        terminal.until(LIVE)
        terminal.send(b"q")
        terminal.ended()
        assert terminal.code == 0
        assert terminal.restoration()[1] == []
        if "LC_ALL" in changes:
            assert terminal.written.isascii()


@pytest.mark.realtime
def test_f97_standard_error_is_not_the_screen(env: dict[str, str], tmp_path: Path) -> None:
    with (tmp_path / "errors").open("wb") as errors, Terminal(env, "--demo", stderr=errors.fileno()) as terminal:
        terminal.until(LIVE)
        terminal.send(b"q")
        terminal.ended()
        assert terminal.code == 0
    assert (tmp_path / "errors").read_bytes() == b""


@pytest.mark.realtime
@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_f97_a_kill_in_tmux_leaves_a_usable_pane(env: dict[str, str], tmp_path: Path) -> None:
    # A server of its own: named by its socket, ended by it.
    tmux = ["tmux", "-f", "/dev/null", "-S", str(tmp_path / "tmux")]
    env = {name: value for name, value in env.items() if name != "TMUX"}

    def ask(*words: str) -> str:
        return subprocess.run([*tmux, *words], env=env, capture_output=True, text=True, check=True).stdout

    ask("new-session", "-d", "-x", "120", "-y", "36", "sh")
    try:
        pane = int(ask("display", "-p", "#{pane_pid}"))
        ask("send-keys", f"exec 2>/dev/null; {sys.executable} -m kraken_tui --demo", "Enter")
        wait_for(lambda: "VERIFIED" in ask("capture-pane", "-p"))
        (program,) = children_of(pane)
        (guardian,) = children_of(program)
        os.kill(program, signal.SIGKILL)
        wait_for(lambda: not runs(guardian))
        flags = "#{alternate_on}#{cursor_flag}#{mouse_any_flag}#{mouse_sgr_flag}#{wrap_flag}"
        wait_for(lambda: ask("display", "-p", flags).strip() == "01001")
        ask("send-keys", "echo it is $((6 * 7))", "Enter")
        wait_for(lambda: "it is 42" in ask("capture-pane", "-p"))
        # Echo is on: what was typed is there too.
        assert "echo it is" in ask("capture-pane", "-p")
    finally:
        ask("kill-server")
