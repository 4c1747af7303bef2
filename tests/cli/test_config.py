"""`kraken-tui config`: what holds and why, which files, what is wrong, and a file to begin with."""

from __future__ import annotations

import json
import os
import re
import stat
import tomllib
from pathlib import Path

import pytest

from kraken_tui.cli.main import main
from kraken_tui.settings import Rotation, Settings
from kraken_tui.settings.options import OPTIONS, SECTIONS, default_of
from kraken_tui.settings.sources import KEYS, load, read_file
from kraken_tui.settings.written import default_file, toml
from kraken_tui.tui.keymap import COMMANDS, effective


@pytest.fixture
def usual(tmp_path: Path) -> Path:
    return tmp_path / "config" / "kraken-tui" / "config.toml"


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = main(["config", *argv])
    out, err = capsys.readouterr()
    return code, out, err


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


# -- init ---------------------------------------------------------------------------------------------------------


def test_init_writes_a_private_file_that_changes_nothing(usual: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = os.umask(0)
    try:
        code, out, err = run(capsys, "init")
    finally:
        os.umask(before)
    assert (code, err) == (0, "")
    assert str(usual) in out
    if os.name != "nt":
        assert stat.S_IMODE(usual.stat().st_mode) == 0o600
        assert stat.S_IMODE(usual.parent.stat().st_mode) == 0o700
    assert load({}, {}) == Settings()
    assert all(line.startswith("#") or not line for line in usual.read_text(encoding="utf-8").splitlines())
    assert run(capsys, "check")[0] == 0


def test_init_leaves_a_file_alone(usual: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(usual, "depth = 10\n")
    code, out, err = run(capsys, "init")
    assert (code, out) == (2, "")
    assert err == f"kraken-tui: {usual} is there already; it is left alone\n"
    assert usual.read_text(encoding="utf-8") == "depth = 10\n"
    (tmp_path / "link.toml").symlink_to(tmp_path / "target.toml")
    assert run(capsys, "init", str(tmp_path / "link.toml"))[0] == 2
    assert not (tmp_path / "target.toml").exists()


def test_init_says_why_it_cannot_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    code, _, err = run(capsys, "init", str(tmp_path / "file" / "x.toml"))
    assert code == 1
    assert re.fullmatch(r"kraken-tui: cannot write .*x\.toml: .+\n", err)


def test_every_line_of_the_file_works_when_it_is_uncommented(tmp_path: Path) -> None:
    bindings = [(each.id, ("x",), each.tooltip) for each in COMMANDS[:2]]
    text = default_file(bindings)
    lines = re.findall(r"^# (\w+ = .+)$", text, re.M)
    assert [line.partition(" ")[0] for line in lines] == [
        row.name for section in SECTIONS for row in OPTIONS if row.section == section
    ]
    for line in lines:
        content = read_file(write(tmp_path / "one.toml", line + "\n"))
        assert content.faults == (), line
        [(name, value)] = content.values.items()
        default = default_of(next(row for row in OPTIONS if row.name == name))
        if default not in (None, ""):
            assert value == default, line
    table = text.partition("# [keys]\n")[2]
    keys = tomllib.loads("[keys]\n" + re.sub(r"^# ", "", table, flags=re.M))["keys"]
    assert list(keys) == [name for name, _, _ in bindings]


def test_the_keys_of_the_file_are_the_built_in_ones(usual: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "init")
    table = usual.read_text(encoding="utf-8").partition("# [keys]\n")[2]
    write(usual, "[keys]\n" + re.sub(r"^# ", "", table, flags=re.M))
    assert run(capsys, "check")[0] == 0
    assert effective(load({}, {}).keys).keys == effective({}).keys


# -- show ---------------------------------------------------------------------------------------------------------


def test_show_says_where_each_value_comes_from(
    usual: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(usual, '\ndepth = 10\ninterval = 5\nlog_file = "a.log"\n[keys]\n"book.centre" = ["x", "w"]\n')
    monkeypatch.setenv("KRAKEN_TUI_DEPTH", "1000")
    code, out, err = run(capsys, "show")
    assert (code, err) == (0, "")
    said = {line.partition(" = ")[0]: re.split(r"  +# ", line)[-1] for line in out.splitlines() if " = " in line}
    assert said["depth"] == "environment KRAKEN_TUI_DEPTH"
    assert said["interval"] == f"{usual} line 3"
    assert said["log_file"] == f"{usual} line 4"
    assert said["fps"] == "default"
    # It is a settings file itself, with the values that hold.
    read = tomllib.loads(out)
    assert (read["depth"], read["interval"], read["log_file"]) == (1000, 5, str(usual.parent / "a.log"))
    assert read["demo_episodes"] is True, "as the screen has it"
    assert read["keys"] == {"book.centre": ["x", "w"]}


def test_show_as_json_has_every_setting(usual: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(usual, 'pairs = ["BTC/EUR"]\nrecord_rotate = "1h"\n')
    _, out, _ = run(capsys, "show", "--json")
    found = json.loads(out)
    assert list(found) == [*(row.name for row in OPTIONS), KEYS]
    assert found["pairs"] == {"value": ["BTC/EUR"], "from": f"{usual} line 1"}
    assert found["record_rotate"] == {"value": "1h", "from": f"{usual} line 2"}
    assert found["record"] == {"value": None, "from": "default"}


def test_show_refuses_what_the_program_would_refuse(usual: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(usual, "depth = 33\n")
    code, out, err = run(capsys, "show")
    assert (code, out) == (2, "")
    assert err == f"kraken-tui: {usual} line 1: depth takes one of 10, 25, 100, 500, 1000\n"


def test_a_hostile_value_is_shown_inert(usual: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(usual, 'svg_dir = "a\\u001b[2Jb"\n')
    _, out, _ = run(capsys, "show")
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"), (3, "3"), (0.4, "0.4"), (1e12, "1000000000000.0"), ((1.0, 2.0), "[1.0, 2.0]"),
        ("a\"\n", '"a\\"\\n"'),
        (None, ""), (Rotation(bytes=100_000_000), '"100MB"'), (Rotation(seconds=5400), '"90m"'),
        (Rotation(seconds=604_800), '"168h"'), (Path("a/b"), '"a/b"'),
    ],
)  # fmt: skip
def test_a_value_is_written_as_toml(value: object, text: str) -> None:
    assert toml(value) == text
    if text:
        tomllib.loads(f"x = {text}")


# -- path ---------------------------------------------------------------------------------------------------------


def test_path_names_the_files_that_are_read(
    usual: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = run(capsys, "path")
    assert (code, out) == (0, f"{usual}\n")
    assert "is not there" in err
    write(usual, 'kafka_config = "kafka.conf"\n')
    assert run(capsys, "path") == (0, f"{usual}\n{usual.parent / 'kafka.conf'}\n", "")
    other = write(tmp_path / "other.toml", "")
    monkeypatch.setenv("KRAKEN_TUI_CONFIG", str(other))
    assert run(capsys, "path") == (0, f"{other}\n", "")
    monkeypatch.setenv("KRAKEN_TUI_CONFIG", str(tmp_path / "none.toml"))
    assert run(capsys, "path")[:2] == (1, f"{tmp_path / 'none.toml'}\n")


# -- check --------------------------------------------------------------------------------------------------------


def test_check_names_every_fault_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(
        tmp_path / "bad.toml",
        'depht = 10\ndepth = 33\nfps = "ten"\ndemo = true\nreplay = "x.jsonl"\ninterval = 5\n'
        '[keys]\n"book.centre" = "q"\n"nope" = "x"\nx = 3\n',
    )
    code, out, err = run(capsys, "check", str(path))
    assert (code, err) == (1, "")
    assert out.replace(f"{path} ", "").splitlines() == [
        "line 1: depht is not a setting; nearest: depth",
        "line 2: depth takes one of 10, 25, 100, 500, 1000",
        "line 3: fps takes a whole number",
        'line 10: x takes a key such as "f2", or a list of keys',
        "line 5: demo and replay cannot be used together: each says where the frames come from",
        'line 9: keys: there is no command "nope"; the help lists all',
        'line 8: keys: "book.centre" and "quit" both want q; "book.centre" keeps Spc',
    ]


def test_check_of_a_good_file_says_so(usual: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "check") == (0, f"{usual} is not there; the defaults hold\n", "")
    write(usual, 'depth = 10\n[keys]\n"book.centre" = "x"\n')
    assert run(capsys, "check") == (0, f"{usual}: 1 setting, 1 key, no fault\n", "")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"depth = = 3\n", "{} line 1 is not valid TOML; see the README for an example"),
        (b"depth = 10\n# \xff\n", "configuration {} line 2 is not UTF-8"),
        (b'depth = 10\ntheme = "nope.toml"\n', "{} line 2: cannot read the theme {}: No such file or directory"),
    ],
)
def test_a_file_that_is_no_settings_file_has_a_fault_too(
    content: bytes, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(content)
    assert run(capsys, "check", str(path)) == (1, f"{sentence.format(path, tmp_path / 'nope.toml')}\n", "")


def test_a_file_that_cannot_be_read_is_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.toml"
    code, out, err = run(capsys, "check", str(path))
    assert (code, out) == (2, "")
    assert err.startswith(f"kraken-tui: cannot read configuration {path}")


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        ([], "the following arguments are required: ACTION; see kraken-tui config --help"),
        (["shwo"], "ACTION takes one of show, path, check, init; nearest: show"),
        (["show", "a", "b"], "b is one word too many; see kraken-tui config --help"),
        (["path", "--json"], "--json is for config show"),
    ],
)
def test_wrong_use(argv: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, *argv) == (2, "", f"kraken-tui: {sentence}\n")


@pytest.mark.parametrize("action", ["show", "path", "check", "init"])
def test_a_user_without_a_home_gets_a_sentence(
    action: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from kraken_tui.settings import sources

    def homeless() -> Path:
        raise FileNotFoundError(2, "this user has no home folder; set HOME")

    monkeypatch.setattr(sources, "default_config_path", homeless)
    code, _, err = run(capsys, action)
    if action == "show":
        assert (code, err) == (0, "")
    else:
        assert code == 2
        assert err == "kraken-tui: there is no place for a settings file: this user has no home folder; set HOME\n"
