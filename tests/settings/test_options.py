"""The table of options: complete, consistent with what is made from it, and with the same bounds for every source."""

from __future__ import annotations

import dataclasses
import inspect
import math
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from kraken_tui import KrakenClient
from kraken_tui.cli.main import COMMANDS
from kraken_tui.errors import ConfigurationError
from kraken_tui.settings import Rotation, Settings, sources
from kraken_tui.settings.options import OPTIONS, Option, check_value, check_values, default_of, option
from kraken_tui.settings.readers import Between, OneOf, PairCount, Whole, WrongValue
from kraken_tui.settings.sources import load

README = Path(__file__).resolve().parents[2] / "README.md"
NAMES = [row.name for row in OPTIONS]


@pytest.fixture(autouse=True)
def no_user_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "default_config_path", lambda: tmp_path / "none.toml")


def test_every_setting_but_the_key_map_has_one_row() -> None:
    fields = {field.name for field in dataclasses.fields(Settings)}
    assert len(NAMES) == len(set(NAMES))
    assert set(NAMES) == fields - {sources.KEYS}


def test_spellings_are_unique_and_commands_exist() -> None:
    flags = [row.flag for row in OPTIONS if row.flag]
    assert len(flags) == len(set(flags))
    for row in OPTIONS:
        assert set(row.commands) <= set(COMMANDS)
        assert bool(row.flag) == bool(row.commands)
        assert row.variable == f"KRAKEN_TUI_{row.name.upper()}"


@pytest.mark.parametrize("row", OPTIONS, ids=NAMES)
def test_every_default_is_allowed(row: Option) -> None:
    default = default_of(row)
    if default is not None:
        assert row.checked(default) == default
    if row.library:
        assert check_value(row.name, default) == default


def test_the_library_takes_what_its_client_has_a_parameter_for() -> None:
    parameters = inspect.signature(KrakenClient).parameters
    assert {row.name for row in OPTIONS if row.library} == set(parameters) & set(NAMES)
    with pytest.raises(KeyError):
        check_value("theme", "dark")
    with pytest.raises(KeyError):
        option("no_such_option")


def test_the_readme_shows_every_setting_with_its_default(tmp_path: Path) -> None:
    text = README.read_text(encoding="utf-8")
    [example] = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    path = tmp_path / "config.toml"
    path.write_text(example, encoding="utf-8")
    loaded = load({}, {}, path)
    shown = tomllib.loads(example).keys() - {"keys", "log_file", "svg_dir"}
    assert {name: getattr(loaded, name) for name in shown} == {name: getattr(Settings(), name) for name in shown}
    mentioned = tomllib.loads(example).keys() | set(re.findall(r"`(\w+)`", text))
    assert not set(NAMES) - mentioned
    for row in OPTIONS:
        # What the example says of a choice is all of it.
        line = next((line for line in example.splitlines() if line.startswith(f"{row.name} =")), "")
        if isinstance(row.rule, OneOf) and row.name not in ("group", "recentre"):
            assert ", ".join(map(str, row.rule.allowed)) in line
        elif row.name == "fps":
            assert str(row.rule) in line


# -- one set of bounds --------------------------------------------------------------------------------------------


def refusals(row: Option, value: Any, tmp_path: Path) -> dict[str, str]:
    """What each source says of a value, without the words that name the source; "" if it takes it."""
    text = str(value)
    path = tmp_path / "config.toml"
    path.write_text(f"{row.name} = {value!r}\n", encoding="utf-8")
    tries: dict[str, Any] = {
        "environment": lambda: load({}, {row.variable: text}),
        "file": lambda: load({}, {}, path),
    }
    if row.flag:
        tries["command line"] = lambda: load({row.name: text}, {})
    if row.library:
        tries["library"] = lambda: check_value(row.name, value)
    said = {}
    for source, attempt in tries.items():
        said[source] = ""
        try:
            attempt()
        except ConfigurationError as error:
            said[source] = "takes " + str(error).partition("takes ")[2]
    return said


BOUNDED = [row for row in OPTIONS if isinstance(row.rule, Between)]


@pytest.mark.parametrize("row", BOUNDED, ids=[row.name for row in BOUNDED])
def test_every_source_has_the_same_bounds(row: Option, tmp_path: Path) -> None:
    rule = row.rule
    assert isinstance(rule, Between)
    number = type(default_of(row))
    step = 1 if number is int else 0.0625
    for bound, beyond in ((rule.low, rule.low - step), (rule.high, rule.high + step)):
        assert set(refusals(row, number(bound), tmp_path).values()) == {""}
        assert set(refusals(row, number(beyond), tmp_path).values()) == {f"takes {rule}"}


CHOSEN = [row for row in OPTIONS if isinstance(row.rule, OneOf) and isinstance(default_of(row), int)]


@pytest.mark.parametrize("row", CHOSEN, ids=[row.name for row in CHOSEN])
def test_every_source_has_the_same_choices(row: Option, tmp_path: Path) -> None:
    assert isinstance(row.rule, OneOf)
    for value in row.rule.allowed:
        assert set(refusals(row, value, tmp_path).values()) == {""}
    [said] = set(refusals(row, 33, tmp_path).values())
    assert said.startswith(f"takes one of {', '.join(map(str, row.rule.allowed))}")


# -- the library --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("pairs", "BTC/USD", ("BTC/USD",)),
        ("pairs", [" BTC/USD", "ETH/USD", "BTC/USD"], ("BTC/USD", "ETH/USD")),
        ("pairs", (), ()),
        ("demo", 1, True),
        ("speed", 2, 2.0),
        ("replay", "a", Path("a")),
        ("record", Path("b"), Path("b")),
        ("log_file", None, None),
        ("url", "ws://127.0.0.1:1/v2", "ws://127.0.0.1:1/v2"),
    ],
)
def test_a_value_of_a_program_is_returned_as_settings_hold_it(name: str, value: object, expected: object) -> None:
    found = check_value(name, value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("pairs", 5, "pairs takes names such as BTC/USD"),
        ("pairs", ["A\n"], None),
        ("pairs", [""], "pairs takes names such as BTC/USD, not ''"),
        ("pairs", ["A" * 41], "pairs takes names such as BTC/USD, not"),
        ("pairs", [f"A{number}" for number in range(1001)], "pairs takes 0 to 1,000 pairs"),
        ("depth", True, "depth takes a whole number"),
        ("depth", "10", "depth takes a whole number"),
        ("depth", 33, "depth takes one of 10, 25, 100, 500, 1000"),
        ("speed", math.nan, "speed takes 0 to 10000"),
        ("speed", False, "speed takes a number"),
        ("speed", 10**400, "speed takes 0 to 10000"),
        ("record", "", "record takes a file name"),
        ("record", b"x", "record takes a file name"),
        ("url", 5, "url takes text"),
        ("url", "ws://example.com", "url: the address 'ws://example.com' is not encrypted"),
        ("rest_url", "ftp://example.com", "rest_url: the address 'ftp://example.com' must begin with https://"),
    ],
)
def test_a_wrong_value_of_a_program_is_one_sentence(name: str, value: object, sentence: str | None) -> None:
    if sentence is None:
        # Blanks around a name do no harm.
        assert check_value(name, value) == ("A",)
        return
    with pytest.raises(ConfigurationError) as caught:
        check_value(name, value)
    assert str(caught.value).startswith(sentence)
    assert str(caught.value).isprintable()


def test_all_arguments_of_a_program_become_settings() -> None:
    assert check_values(pairs="BTC/USD", depth=10) == Settings(pairs=("BTC/USD",), depth=10)
    assert check_values(demo=True).demo
    for given, sentence in (
        ({"demo": True, "replay": "x"}, "demo and replay exclude each other"),
        ({"demo": True, "kafka": "a:1"}, "demo and kafka exclude each other"),
        ({"replay": "x", "kafka": "a:1"}, "replay and kafka exclude each other"),
    ):
        with pytest.raises(ConfigurationError, match=f"^{sentence}$"):
            check_values(**given)


def test_what_a_row_leaves_out() -> None:
    row = Option("name", Whole(), "help")
    assert (row.const, row.source, row.library, row.required, row.default) == (True, False, False, False, None)


def test_switches_that_turn_something_off_and_sources() -> None:
    assert {row.flag for row in OPTIONS if not row.const} == {"--no-demo-episodes", "--no-mouse", "--no-private"}
    assert {row.name for row in OPTIONS if row.source} == {"demo", "replay", "kafka", "url"}


@pytest.mark.parametrize(
    ("name", "slip", "meant"),
    [
        ("theme", "drak", "dark"),
        ("recentre", "bond", "band"),
        ("heat_weighing", "averag", "average"),
        ("heat_scale", "linaer", "linear"),
    ],
)
def test_a_slip_in_a_choice_names_the_nearest(name: str, slip: str, meant: str) -> None:
    with pytest.raises(WrongValue, match=f"; nearest: {meant}$"):
        option(name).from_text(slip)


def test_a_screen_has_fewer_pairs_than_a_program() -> None:
    row = option("pairs")
    assert isinstance(row.rule, PairCount)
    assert isinstance(row.library_rule, PairCount)
    assert (row.rule.high, row.library_rule.high) == (50, 1000)


# -- a size or a time ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rotation"),
    [
        ("100MB", Rotation(bytes=100_000_000)),
        ("2gb", Rotation(bytes=2_000_000_000)),
        ("30m", Rotation(seconds=1800)),
        (" 1h ", Rotation(seconds=3600)),
        ("7d", Rotation(seconds=604_800)),
    ],
)
def test_a_recording_is_rotated_by_a_size_or_a_time(text: str, rotation: Rotation, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f'record_rotate = "{text}"\n', encoding="utf-8")
    assert load({}, {}, path).record_rotate == rotation
    assert load({"record_rotate": text}, {}).record_rotate == rotation
    assert load({}, {"KRAKEN_TUI_RECORD_ROTATE": text}).record_rotate == rotation
    assert load({}, {}).record_rotate is None


@pytest.mark.parametrize("text", ["", "0MB", "100", "MB", "1.5GB", "1y", "-1h", "1234567MB", "100 MB x"])
def test_what_is_neither_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^--record-rotate takes a size or a time: 100MB, 2GB, 30m, 1h, 7d$"):
        load({"record_rotate": text}, {})


def test_a_size_in_a_file_is_text(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("record_rotate = 100\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="takes a size or a time in quotes"):
        load({}, {}, path)


def test_tiers_are_four_ascending_values(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("tape_tiers = [1, 20, 300.5, 4000]\n", encoding="utf-8")
    tiers = (1.0, 20.0, 300.5, 4000.0)
    assert load({}, {}, path).tape_tiers == tiers
    assert load({}, {"KRAKEN_TUI_TAPE_TIERS": "1, 20,300.5,4000"}).tape_tiers == tiers
    sentence = "takes 4 ascending numbers, above 0 and up to 1e\\+12"
    for wrong in ("1,2,3", "1,2,3,4,5", "1,2,2,3", "0,1,2,3", "4,3,2,1", "1,2,3,2000000000000"):
        with pytest.raises(ConfigurationError, match=sentence):
            load({}, {"KRAKEN_TUI_TAPE_TIERS": wrong})
    for wrong in ("[1, 2, 3]", "[1, 2, 3, nan]", "[inf, 2, 3, 4]"):
        path.write_text(f"tape_tiers = {wrong}\n", encoding="utf-8")
        with pytest.raises(ConfigurationError, match=sentence):
            load({}, {}, path)
    for wrong, said in (('"1,2,3,4"', "takes a list of numbers"), ('[1, 2, 3, "4"]', "takes a number")):
        path.write_text(f"tape_tiers = {wrong}\n", encoding="utf-8")
        with pytest.raises(ConfigurationError, match=said):
            load({}, {}, path)
