"""The command line as its user sees it: exit code, one line on standard error, and how fast it answers."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kraken_tui._version import __version__
from kraken_tui.cli import console, crash
from kraken_tui.cli import main as cli
from kraken_tui.terminal import signals as terminal

NO_HOME = "takes a file name; there is no such home folder (write ./~ for a file of that name)"


@pytest.fixture(autouse=True)
def clean_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration, log folder or environment of the developer's."""
    for name in [name for name in os.environ if name.startswith("KRAKEN_TUI_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def refusal(capsys: pytest.CaptureFixture[str], *argv: str, code: int = 2) -> str:
    """Run, expect this exit code, nothing on standard output and one line on standard error; return that line."""
    assert cli.main(argv) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("kraken-tui: ")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    return err.removeprefix("kraken-tui: ")[:-1]


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["--depht", "10"], "unknown option --depht; nearest: --depth; see kraken-tui --help"),
        (["--dep", "10"], "unknown option --dep; nearest: --depth; see kraken-tui --help"),
        (["--depth"], "argument --depth: expected one argument; see kraken-tui --help"),
        (["--depth", "33"], "--depth takes one of 10, 25, 100, 500, 1000"),
        (["--theme", "drak"], "--theme takes one of dark, light, colour-blind, terminal; nearest: dark"),
        (["--demo", "stream"], "stream is a command and comes first: kraken-tui stream PAIR ..."),
        (["stream"], "the following arguments are required: PAIR; see kraken-tui stream --help"),
        (["stream", "BTC/USD", "--count", "0"], "--count takes 1 to 1e+12"),
        (["stream", "BTC/USD", "--count", "1.5"], "--count takes a whole number"),
        (["stream", "BTC/USD", "--seconds", "soon"], "--seconds takes a plain number"),
        (["stream", "BTC/USD", "--levels", "101"], "--levels 101 is more than the book depth of 100; add --depth"),
        (["stream", "BTC/USD", "--fps", "3"], "unknown option --fps; see kraken-tui stream --help"),
        (["snapshot", "BTC/USD"], "the following arguments are required: --output; see kraken-tui snapshot --help"),
        (["snapshot", "BTC/USD", "--output", "a", "--size", "9"], "--size takes columns x rows, such as 160x48"),
        (["snapshot", "BTC/USD", "--output", "a", "--size", "1x1"], "--size takes 20x5 to 500x200"),
        (["plot", "BTC/USD", "--kind", "pie"], "--kind takes one of candles, depth, spread, latency"),
        (["plot", "BTC/USD", "ETH/USD"], "one pair is enough, ETH/USD is one too many; see kraken-tui plot --help"),
        (["--replay", "/no/such"], "there is no recording /no/such"),
        (["--record", os.devnull], f"cannot record to {os.devnull}: not a regular file"),
        (["--config", "~nobody-of-this-name/x"], f"--config {NO_HOME}"),
        (["snapshot", "BTC/USD", "--output", "~nobody-of-this-name/x"], f"--output {NO_HOME}"),
        (["--config", "/no/such"], "cannot read configuration /no/such: No such file or directory"),
    ],
)
def test_wrong_use_is_one_sentence_and_code_2(
    capsys: pytest.CaptureFixture[str], argv: list[str], sentence: str
) -> None:
    assert refusal(capsys, *argv) == sentence


def test_without_a_terminal_the_screen_names_the_stream(capsys: pytest.CaptureFixture[str]) -> None:
    said = refusal(capsys, "ETH/USD")
    assert said.startswith("the screen needs a terminal, but standard input is not one;")
    assert said.endswith("kraken-tui stream ETH/USD")


def test_hostile_arguments_are_shown_inert(capsys: pytest.CaptureFixture[str]) -> None:
    assert "\x1b" not in refusal(capsys, "--\x1b[2J\n")
    assert "\x1b" not in refusal(capsys, "--replay", "\x1b]0;title\x07")


@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                [
                    "stream",
                    "snapshot",
                    "plot",
                    "BTC/USD",
                    "--depth",
                    "--output",
                    "--count",
                    "--demo",
                    "--replay",
                    "10",
                    "--",
                ]
            ),
            st.text(st.characters(blacklist_categories=["Cs"]), max_size=8),
        ),
        max_size=6,
    ).filter(lambda argv: not {"-h", "--help", "--version"} & set(argv))
)
@settings(max_examples=150, deadline=None)
def test_any_arguments_end_in_a_sentence_before_anything_starts(argv: list[str]) -> None:
    """The terminal check or a refusal stops every screen; here no command may get as far as an engine."""
    started: list[object] = []
    err = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cli, "_engine", started.append)
        patch.setattr(cli, "_stream", lambda *_: 0)
        patch.setattr(cli, "_snapshot", lambda *_: 0)
        patch.setattr(cli, "_plot", lambda *_: 0)
        patch.setattr(sys, "stderr", err)
        code = cli.main(argv)
    assert not started
    assert code in (0, 2), err.getvalue()
    assert err.getvalue().count("\n") == (code == 2)


# -- internal errors ----------------------------------------------------------------------------------------------


def test_an_internal_error_is_one_sentence_and_a_report(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object) -> int:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(cli, "_plot", fail)
    said = refusal(capsys, "plot", "BTC/USD", code=70)
    assert said.startswith("internal error (ZeroDivisionError); the report is in ")
    path = Path(said.partition(" is in ")[2])
    assert path.is_relative_to(tmp_path)
    assert "secret detail" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_report_goes_to_the_log_where_there_is_one(tmp_path: Path) -> None:
    log = tmp_path / "my.log"
    log.write_text("earlier\n")
    assert crash.report(ValueError("x"), log) == f"internal error (ValueError); the report is in {log}"
    assert log.read_text().startswith("earlier\n")
    assert "ValueError: x" in log.read_text()


def test_old_reports_are_dropped_when_there_are_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "crash.log"
    monkeypatch.setattr(crash, "_default_path", lambda: path)
    path.write_bytes(b"x" * (crash.MAX_REPORTS_BYTES + 1))
    crash.report(ValueError("new"))
    assert path.stat().st_size < 10_000


def test_a_traceback_is_printed_only_on_demand(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    crash.report(ValueError("x"), tmp_path / "log")
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("KRAKEN_TUI_TRACEBACK", "1")
    crash.report(ValueError("x"), tmp_path / "log")
    assert "ValueError: x" in capsys.readouterr().err


def test_a_report_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = crash.report(ValueError("x"), tmp_path / "file" / "log")
    assert said.startswith("internal error (ValueError), and its report could not be written")


# -- the terminal -------------------------------------------------------------------------------------------------


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
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=10).returncode == 128 + signal.SIGTERM


# -- as a process -------------------------------------------------------------------------------------------------


def run(*argv: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kraken_tui", *argv],
        capture_output=True, text=True, timeout=30, check=False, stdin=subprocess.DEVNULL, **options,
    )  # type: ignore[call-overload]  # fmt: skip


@pytest.mark.realtime
@pytest.mark.parametrize("command", [[], ["stream"], ["snapshot"], ["plot"]])
def test_help_of_every_command(command: list[str]) -> None:
    done = run(*command, "--help")
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.startswith(f"usage: {' '.join(['kraken-tui', *command])} ")


@pytest.mark.realtime
def test_version_and_help_are_fast() -> None:
    """About as long again as Python itself; the bound is wide because machines are shared."""

    def wall(*argv: str) -> float:
        times = []
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run([sys.executable, *argv], capture_output=True, check=True)
            times.append(time.perf_counter() - start)
        return min(times)

    bare = wall("-c", "pass")
    assert run("--version").stdout == f"kraken-tui {__version__}\n"
    assert wall("-m", "kraken_tui", "--version") < 4 * bare
    assert wall("-m", "kraken_tui", "--help") < 4 * bare


@pytest.mark.realtime
@pytest.mark.parametrize("argv", [["--version"], ["--help"]])
def test_a_closed_or_broken_output_gives_no_traceback(argv: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as gone:
        done = subprocess.run(
            [sys.executable, "-m", "kraken_tui", *argv], stdout=gone, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 0
    assert done.stderr == ""


@pytest.mark.realtime
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    "argv",
    [
        ["doctor", "--connect", "--url", "ws://127.0.0.1:9/v2"],
        ["plot", "BTC/USD", "--demo", "--kind", "depth"],
        ["stream", "BTC/USD", "--demo", "--count", "1"],
    ],
)
def test_a_full_disk_behind_standard_output_is_one_sentence(argv: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "kraken_tui", *argv], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    words = "kraken-tui: cannot write to standard output: No space left on device\n"
    assert (done.returncode, done.stderr) == (1, words)


def test_a_recording_shows_the_pairs_it_holds_unless_some_are_named(tmp_path: Path) -> None:
    recording = tmp_path / "session.jsonl"
    recording.write_text('{"channel":"heartbeat"}\n')
    assert cli._settings({"replay": str(recording)}, {}).pairs == ()
    assert cli._settings({"replay": str(recording), "pairs": ["ETH/USD"]}, {}).pairs == ("ETH/USD",)
    assert cli._settings({}, {}).pairs == ("BTC/USD", "ETH/USD")


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new.svg"
    console.replace_file(path, "first")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("first", 0o600 if os.name == "posix" else 0o666)
    path.chmod(0o644)
    with pytest.raises(UnicodeEncodeError):
        console.replace_file(path, "x" * 100_000 + "\udcff")
    assert [each.name for each in tmp_path.iterdir()] == ["new.svg"]
    assert path.read_text() == "first"
    console.replace_file(path, "second")
    assert path.read_text() == "second"
    assert path.stat().st_mode & 0o044 == 0o044, "who may read it was the user's choice"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="FIFOs are a POSIX thing")
def test_a_picture_replaces_files_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "pipe.svg")
    for target in (tmp_path / "pipe.svg", tmp_path, Path(os.devnull)):
        assert "takes a file name" in refusal(capsys, "snapshot", "BTC/USD", "--demo", "--output", str(target))


def test_a_replay_is_not_recorded_into_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "session.jsonl"
    path.write_text('{"format":"kraken-tui","version":1}\n{"rx_ns":1,"frame":{"channel":"heartbeat"}}\n')
    said = refusal(capsys, "stream", "BTC/USD", "--replay", str(path), "--record", str(path))
    assert said == f"cannot record to {path}: it is the recording being played"


def test_a_file_that_is_no_recording_is_refused_before_the_screen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    letter = tmp_path / "letter.jsonl"
    letter.write_text("Dear Sir\n")
    assert "letter.jsonl is not a recording" in refusal(capsys, "stream", "BTC/USD", "--replay", str(letter))
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    assert "nothing to play" in refusal(capsys, "--replay", str(empty))
