"""What terminals send that no person typed, sizes nobody has, and terminals that cannot do much: F95 to F97."""

from __future__ import annotations

import os
import re
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

from benchmarks.cells import Cells
from kraken_tui.terminal.driver import Keys
from tests.faults.ledger import Ledger
from tests.rig.fuzz_input import NONSENSE
from tests.terminal.rig import GUARD_S, LIVE, NOBODY, PROGRAM, Terminal, children_of, clean_env, ms, runs, wait_for

HELP = b"Esc closes"


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


def help_opens(terminal: Terminal) -> float | None:
    """Seconds until a key was heard and drawn; None where it was lost."""
    start, mark = time.monotonic(), len(terminal.written)
    while HELP not in terminal.written[mark:] and time.monotonic() - start < GUARD_S:
        # What belongs to a flood or an open paste is passed over; on a busy machine that is over later.
        terminal.send(b"?")
        terminal.read(5.0, HELP)
    took = time.monotonic() - start
    heard = HELP in terminal.written[mark:]
    terminal.send(b"\x1b")
    terminal.read(0.2)
    return took if heard else None


# -- F95: input ---------------------------------------------------------------------------------------------------


@pytest.mark.realtime
def test_f95_nonsense_on_the_input_is_survived(live: Terminal, ledger: Ledger) -> None:
    slowest = 0.0
    for name, data in NONSENSE.items():
        live.send(data)
        # A flood of keys is over half a second after its last one.
        live.read(0.6 if len(data) >= 100 else 0.2)
        assert live.process.poll() is None, name
        heard = help_opens(live)
        assert heard is not None, name
        slowest = max(slowest, heard)
    seen = f"{len(NONSENSE)} of {len(NONSENSE)}, 200 kB of paste among them; next key drawn after {ms(slowest)} at most"
    ledger("passed over; the app lives and hears the next key", seen, "no key lost (stock: dies)")


@pytest.mark.realtime
def test_f95_an_unmarked_paste_is_not_obeyed_key_by_key(live: Terminal, ledger: Ledger) -> None:
    live.send(b"j" * 50_000)
    live.read(2.0)
    heard = help_opens(live)
    assert heard is not None
    ledger("passed over", f"50,000 keys at once; the next key drawn after {ms(heard)}", "no key lost")


@pytest.mark.realtime
def test_f95_a_paste_that_never_ends_swallows_keys_for_two_seconds_only(live: Terminal, ledger: Ledger) -> None:
    live.send(b"\x1b[200~qqq")
    live.read(2.4)
    assert live.process.poll() is None
    heard = help_opens(live)
    assert heard is not None
    ledger("over after two seconds", f"the next key after 2.4 s drawn after {ms(heard)}", "no key lost")


@given(st.lists(st.binary(max_size=40) | st.sampled_from(sorted(NONSENSE.values(), key=len)[:-1]), max_size=8))
def test_f95_no_bytes_stop_the_reader_and_the_next_key_is_heard(chunks: list[bytes]) -> None:
    keys = Keys(debug=False)
    for chunk in chunks:
        keys.feed(chunk)
    # Whatever is open is closed: a paste by its end, a sequence by a letter and a pause.
    keys.feed(b"\x1b[201~")
    keys.feed(b"\x1b")
    keys._parser._timeout_time = 0.0
    keys.feed(None)
    heard = keys.feed(b"q")
    assert [message.key for message in heard if isinstance(message, Key)][-1:] == ["q"]


def test_f95_a_paste_whose_end_came_too_slowly_is_over_all_the_same() -> None:
    keys = Keys(debug=False)
    keys.feed(b"\x1b[200~abc\x1b[")
    # A link that stood still for longer than an escape sequence may take: the parser has given it up.
    keys._parser._timeout_time = 0.0
    keys.feed(None)
    assert [message.text for message in keys.feed(b"201~") if isinstance(message, Paste)] == ["abc"]
    assert [message.key for message in keys.feed(b"q") if isinstance(message, Key)] == ["q"]


@pytest.mark.parametrize("inside", [b"a\x1b[31mq", b"\x1bq", b"\x03q", b"\x1b[<0;1;1Mq", b"\x1b[200~q", b"q\x1b[20"])
@pytest.mark.parametrize("step", [1, 3, 100])
def test_c07_all_of_a_paste_is_inert(inside: bytes, step: int) -> None:
    keys = Keys(debug=False)
    data = b"\x1b[200~" + inside + b"\x1b[201~x"
    messages = [message for at in range(0, len(data), step) for message in keys.feed(data[at : at + step])]
    assert [message.text for message in messages if isinstance(message, Paste)] == [inside.decode()]
    assert [message.key for message in messages if isinstance(message, Key)] == ["x"]


def test_a_split_paste_is_one_paste_and_split_characters_are_whole() -> None:
    keys = Keys(debug=False)
    data = b"\x1b[200~" + "€".encode() * 3 + b"\x1b[201~q"
    messages = [message for at in range(len(data)) for message in keys.feed(data[at : at + 1])]
    assert [message.text for message in messages if isinstance(message, Paste)] == ["€€€"]
    assert [message.key for message in messages if isinstance(message, Key)] == ["q"]


# -- F96: sizes ---------------------------------------------------------------------------------------------------


def settled(terminal: Terminal, columns: int, rows: int) -> float:
    """Set a size, and the seconds until tabs, badges and footer stand where they belong in it."""
    mark = len(terminal.written)
    terminal.resize(columns, rows)
    start = time.monotonic()
    cells = Cells(columns, rows)
    while True:
        terminal.read(0.005)
        # Rows of a larger picture that is still under way would pile up in the last one.
        cells.feed(bytes(terminal.written[mark:]))
        mark = len(terminal.written)
        took = time.monotonic() - start
        top, last = "".join(cells.rows[:3]), cells.rows[-1]
        if (
            "BTC/USD" in cells.rows[0]
            and "ERIFIED" in top
            and "quit" in last
            and "quit" not in "".join(cells.rows[:-1])
        ):
            return took
        assert took < GUARD_S, cells.rows


@pytest.mark.realtime
def test_f96_impossible_sizes_are_survived(live: Terminal, ledger: Ledger) -> None:
    sizes = [(0, 0), (1, 1), (1000, 300), (65535, 65535), (2, 3), (1, 300), (500, 1)]
    for size in sizes:
        live.resize(*size)
        live.read(0.25)
        assert live.process.poll() is None, size
    took = settled(live, 120, 40)
    assert help_opens(live) is not None
    seen = f"0x0, 1x1, 1000x300, 65535x65535 and {len(sizes) - 4} more; right screen {ms(took)} after"
    ledger("too small is said, recovers", seen, "250 ms after the last")


@pytest.mark.realtime
def test_f96_four_hundred_resizes_a_second(live: Terminal, ledger: Ledger) -> None:
    start = time.monotonic()
    for count in range(1200):
        live.resize(60 + count % 200, 12 + count % 50)
        while (ahead := start + count / 400 - time.monotonic()) > 0:
            live.read(min(ahead, 0.001))
    rate = 1200 / (time.monotonic() - start)
    took = settled(live, 100, 35)
    # Only what changes is written, and the badge, which `settled` has read, need not.
    assert live.read(2.0)
    assert b"1 failed" not in live.written
    seen = f"1,200 at {rate:.0f} a second; right screen {ms(took)} after the last; 0 checksums failed"
    ledger("recovers, books untouched", seen, "250 ms after the last")


@pytest.mark.realtime
def test_f96_a_window_made_small_and_large_again_at_once_is_redrawn(live: Terminal, ledger: Ledger) -> None:
    # The terminal has thrown the rest away, and the program sees one size only, the one it knows.
    live.read(0.3)
    live.resize(40, 10)
    live.resize(120, 40)
    start = time.monotonic()
    cells = Cells(120, 40)
    # On a busy machine the program may see the small size as well, and say so first.
    while not (" 1 BTC/USD" in cells.rows[0] and "quit" in cells.rows[-1] and all(row.strip() for row in cells.rows)):
        assert time.monotonic() - start < GUARD_S, cells.rows
        cells.feed(live.read(0.02))
    took = time.monotonic() - start
    ledger("redrawn", f"40x10 and back within a millisecond: whole screen {ms(took)} after", "250 ms after the last")


_SLOW_LOOK = """
import time
from kraken_tui.cli.main import main
from kraken_tui.terminal.driver import SteadyDriver

look = SteadyDriver._get_terminal_size

def slow(driver):
    size = look(driver)
    if size[0] == 90:
        time.sleep(0.3)
    return size

SteadyDriver._get_terminal_size = slow
raise SystemExit(main())
"""


@pytest.mark.realtime
def test_f96_a_resize_while_the_one_before_is_being_read_is_not_overtaken(env: dict[str, str], ledger: Ledger) -> None:
    with Terminal(env, "--demo", command=("-c", _SLOW_LOOK)) as terminal:
        terminal.until(LIVE)
        terminal.resize(90, 30)
        terminal.read(0.1)
        took = settled(terminal, 100, 35)
        # The older size must not come after the newer one.
        terminal.read(0.5)
        cells = Cells(100, 35)
        cells.feed(bytes(terminal.written))
        assert "quit" in cells.rows[-1]
        terminal.send(b"q")
        terminal.ended()
    ledger(
        "the newest size counts", f"size read 0.3 s late, another meanwhile: right screen {ms(took)} after", "newest"
    )


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
def test_f97_no_terminal_is_wrong_use(
    env: dict[str, str], tmp_path: Path, missing: str, reason: str, ledger: Ledger
) -> None:
    command = {
        "stdin": '"$@" < /dev/null',
        "stdout": '"$@" | cat; (exit ${PIPESTATUS[0]})',
        "closed": '"$@" >&-',
    }.get(missing, f'{missing} "$@"' if "=" in missing else "")
    clocked = f"began=$EPOCHREALTIME; {{ {command}; }}; code=$?; echo $began $EPOCHREALTIME > times; exit $code"
    shell = ("-c", f"import os, sys; os.chdir({str(tmp_path)!r}); os.execvp('bash', ['bash', '-c', *sys.argv[1:]])")
    times = []
    # Others use the processors too, which only ever makes it slower: the figure is the quickest of a few.
    for _ in range(5):
        with Terminal(env, clocked, "bash", sys.executable, *PROGRAM, command=shell) as terminal:
            terminal.ended()
            terminal.read(0.05)
            assert terminal.code == 2
            said = terminal.written.decode()
            assert said.count("\n") == 1
            assert reason in said
            assert "kraken-tui stream BTC/USD" in said
            assert "\x1b" not in said
        began, ended = (tmp_path / "times").read_text().split()
        times.append(float(ended) - float(began))
        if times[-1] <= 0.3:
            break
    ledger("exit 2 and one line", f"{missing}: exit 2, one line, after {ms(min(times))}", "300 ms")


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
def test_f97_a_poor_terminal_still_says_what_is_proven(
    env: dict[str, str], changes: dict[str, str], ledger: Ledger
) -> None:
    def colours(*argv: str, until: bytes) -> set[str]:
        with Terminal({**env, **changes}, *argv) as terminal:
            terminal.until(until)
            terminal.send(b"q")
            terminal.ended()
            assert terminal.code == 0
            assert terminal.restoration()[1] == []
            if "LC_ALL" in changes:
                assert terminal.written.isascii()
            return kinds_of_colour(bytes(terminal.written))

    # Both truths in words: a proven book, and no connection.
    seen = colours("--demo", until=LIVE) | colours("--url", NOBODY, until=b"retry")
    allowed = {"NO_COLOR": set(), "TERM": {"16"}}
    if changes.get("TERM") != "screen":
        assert seen <= allowed.get(next(iter(changes)), {"16", "256", "grey"})
    name = ", ".join(f"{key}={value}" for key, value in changes.items() if not key.startswith("PYTHON"))
    drawn = f"{' and '.join(sorted(seen))} colours" if seen else "no colour"
    plain = "ASCII alone, " if "LC_ALL" in changes else ""
    ledger("states told apart in words", f"{name}: {plain}{drawn}; VERIFIED, DISCONNECTED and retry in words", "words")


def kinds_of_colour(written: bytes) -> set[str]:
    """Of which palettes its colours are: "16", "256", "true", and of the 256 also "grey"."""
    greys = {16, 59, 102, 145, 188, 231, *range(232, 256)}
    found = set()
    for sequence in re.findall(rb"\x1b\[([\d;]*)m", written):
        codes = iter([int(code or 0) for code in sequence.split(b";")])
        for code in codes:
            if code not in (38, 48):
                # 39 is the terminal's own text colour.
                found |= {"16"} if (30 <= code <= 47 and code != 39) or 90 <= code <= 107 else set()
            elif next(codes) == 5:
                found.add("grey" if next(codes) in greys else "256")
            else:
                found.add("grey" if len({next(codes), next(codes), next(codes)}) == 1 else "true")
    return found


@pytest.mark.realtime
def test_f97_standard_error_is_not_the_screen(env: dict[str, str], tmp_path: Path, ledger: Ledger) -> None:
    with (tmp_path / "errors").open("wb") as errors, Terminal(env, "--demo", stderr=errors.fileno()) as terminal:
        terminal.until(LIVE)
        terminal.send(b"q")
        terminal.ended()
        assert terminal.code == 0
    assert (tmp_path / "errors").read_bytes() == b""
    ledger("runs", "standard error a file: the screen as ever, 0 bytes in the file", "0 bytes")


@pytest.mark.realtime
@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_f97_a_kill_in_tmux_leaves_a_usable_pane(env: dict[str, str], tmp_path: Path, ledger: Ledger) -> None:
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
        took = wait_for(lambda: not runs(guardian))
        flags = "#{alternate_on}#{cursor_flag}#{mouse_any_flag}#{mouse_sgr_flag}#{wrap_flag}"
        wait_for(lambda: ask("display", "-p", flags).strip() == "01001")
        ask("send-keys", "echo it is $((6 * 7))", "Enter")
        wait_for(lambda: "it is 42" in ask("capture-pane", "-p"))
        # Echo is on: what was typed is there too.
        assert "echo it is" in ask("capture-pane", "-p")
    finally:
        ask("kill-server")
    ledger(
        "the pane is usable",
        f"tmux, KILL: modes, cursor and main screen back after {ms(took)}, the shell echoes",
        "1 s",
    )
