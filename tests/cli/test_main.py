"""The command line as its user sees it: exit code, one line on standard error, and how fast it answers."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kraken_tui import errors
from kraken_tui._version import __version__
from kraken_tui.cli import console, plot, snapshot, stream
from kraken_tui.cli import main as cli
from kraken_tui.engine.engine import Engine

FILE = "or a theme file such as desk.toml"
NO_HOME = "takes a file name; there is no such home folder (write ./~ for a file of that name)"


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
        (["--theme", "drak"], f"--theme takes one of auto, dark, light, colour-blind, terminal, {FILE}; nearest: dark"),
        (["strem"], "there is no command strem; nearest: stream; see kraken-tui --help"),
        (["Docter", "--demo"], "there is no command Docter; nearest: doctor; see kraken-tui --help"),
        (["help"], "help is not a command; see kraken-tui --help"),
        (["--demo", "stream"], "stream is a command and comes first: kraken-tui stream PAIR ..."),
        (["stream", "BTC/USD", "--count", "0"], "--count takes 1 to 1e+12"),
        (["stream", "BTC/USD", "--count", "1.5"], "--count takes a whole number"),
        (["stream", "BTC/USD", "--seconds", "soon"], "--seconds takes a plain number"),
        (["stream", "BTC/USD", "--levels", "101"], "--levels 101 is more than the book depth of 100; add --depth"),
        (["stream", "BTC/USD", "--fps", "3"], "unknown option --fps; see kraken-tui stream --help"),
        (["snapshot", "BTC/USD"], "the following arguments are required: --output; see kraken-tui snapshot --help"),
        (["snapshot", "BTC/USD", "--output", "a", "--size", "9"], "--size takes columns x rows, such as 160x48"),
        (["snapshot", "BTC/USD", "--output", "a", "--size", "1x1"], "--size takes 20x5 to 500x200"),
        (
            ["plot", "BTC/USD", "--kind", "pie"],
            "--kind takes one of candles, depth, spread, imbalance, latency, heatmap",
        ),
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
        patch.setattr(Engine, "__init__", lambda *_: started.append(argv))
        for command in (stream, snapshot, plot):
            patch.setattr(command, "COMMAND", command.COMMAND._replace(run=lambda _: 0))
        patch.setattr(sys, "stderr", err)
        code = cli.main(argv)
    assert not started
    assert code in (0, 2), err.getvalue()
    assert err.getvalue().count("\n") == (code == 2)


@pytest.mark.parametrize(
    ("argv", "count"),
    [([], 2), (["--demo"], 2), (["stream"], 2), (["stream", "--demo", "--count", "1"], 2),
     (["snapshot", "--demo", "--output", "x.svg"], 2), (["snapshot", "--output", "x.svg"], 2),
     (["plot"], 1), (["plot", "--demo", "--kind", "depth"], 1)],
)  # fmt: skip
def test_every_command_has_the_same_default_pairs(
    argv: list[str], count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case C23: `snapshot --demo --output x.svg` without a pair."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in [name for name in os.environ if name.startswith("KRAKEN_TUI_") and name != "KRAKEN_TUI_SHARED"]:
        monkeypatch.delenv(name)
    assert cli.parse(argv).settings().pairs == ("BTC/USD", "ETH/USD")[:count]


@pytest.mark.parametrize(
    ("wish", "near"),
    [("drak", "dark"), ("colorblind", "colour-blind"), ("solarized", ""), ("black", ""), ("white", ""),
     ("colour", "colour-blind"), ("termnal", "terminal")],
)  # fmt: skip
def test_only_what_is_really_near_is_suggested(capsys: pytest.CaptureFixture[str], wish: str, near: str) -> None:
    said = refusal(capsys, "--theme", wish)
    assert said.endswith(f"; nearest: {near}" if near else f"terminal, {FILE}")


# -- as a process -------------------------------------------------------------------------------------------------


def run(*argv: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kraken_tui", *argv],
        capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL, **options,
    )  # type: ignore[call-overload]  # fmt: skip


@pytest.mark.realtime
@pytest.mark.parametrize("command", [[], ["stream"], ["snapshot"], ["plot"]])
def test_help_of_every_command(command: list[str]) -> None:
    done = run(*command, "--help")
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.startswith(f"usage: {' '.join(['kraken-tui', *command])} ")


@pytest.mark.realtime
@pytest.mark.skipif(os.name == "nt", reason="the time of children is counted on POSIX")
def test_version_and_help_are_fast() -> None:
    """A few times the processor time of Python itself, which a busy machine changes less than the time that passes."""
    import resource

    def spent(*argv: str) -> float:
        times = []
        for _ in range(9):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([sys.executable, *argv], capture_output=True, check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        return min(times)

    bare = spent("-c", "pass")
    assert run("--version").stdout == f"kraken-tui {__version__}\n"
    assert spent("-m", "kraken_tui", "--version") < 4 * bare
    assert spent("-m", "kraken_tui", "--help") < 7 * bare


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
    for command in ([], ["stream"], ["snapshot", "--output", "x"], ["plot"]):
        replay = ["--replay", str(recording)]
        assert cli.parse([*command, *replay]).settings().pairs == ()
        assert cli.parse([*command, *replay, "ETH/USD"]).settings().pairs == ("ETH/USD",)


@pytest.mark.parametrize("command", [[], ["stream"], ["snapshot", "--output", "x"], ["plot"]])
def test_every_command_has_the_same_default_pairs_and_sources(command: list[str]) -> None:
    usual = ("BTC/USD",) if command == ["plot"] else ("BTC/USD", "ETH/USD")
    assert cli.parse(command).settings().pairs == usual
    assert cli.parse([*command, "--demo"]).settings().demo
    assert cli.parse([*command, "--url", "ws://127.0.0.1:9"]).settings().url == "ws://127.0.0.1:9"


def test_pairs_and_options_stand_in_any_order() -> None:
    for argv in (["--demo", "BTC/USD", "--depth", "10", "ETH/USD"], ["BTC/USD", "ETH/USD", "--depth", "10", "--demo"]):
        for command in ([], ["screen"], ["stream"]):
            found = cli.parse([*command, *argv]).settings()
            assert (found.pairs, found.depth, found.demo) == (("BTC/USD", "ETH/USD"), 10, True)


def test_one_parser_holds_every_command_for_completion_and_manual() -> None:
    root, subparsers = cli.build_parser()
    assert tuple(subparsers) == cli.COMMANDS
    assert all(name in root.format_help() for name in cli.COMMANDS)
    for name, parser in subparsers.items():
        flags = {flag for action in parser._actions for flag in action.option_strings}
        wanted = {row.flag for row in cli.command_named(name).settings if row.flag.startswith("-")}
        assert wanted <= flags


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ConfigurationError("x"), 2),
        (errors.RecordingError("x"), 2),
        (errors.FeedFailed("x"), 1),
        (errors.OutputFailed("x"), 1),
        (errors.InvalidNumber("x"), 70),
        (KeyboardInterrupt(), 130),
        (console.Interrupted(15), 143),
        (BrokenPipeError(), 0),
    ],
)
def test_every_error_has_its_exit_code(monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int) -> None:
    def fail(_: object) -> int:
        raise error

    monkeypatch.setattr(plot, "COMMAND", plot.COMMAND._replace(run=fail))
    monkeypatch.setattr(cli, "discard_stdout", lambda: None)
    assert cli.main(["plot"]) == code


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
