"""Settings: which source wins, and what is said about a wrong one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.cli import crash
from kraken_tui.doctor import environment
from kraken_tui.doctor.report import Check, Outcome
from kraken_tui.engine.worker import budget_path_for
from kraken_tui.errors import ConfigurationError
from kraken_tui.files import user_folder
from kraken_tui.settings import DEPTHS, LIVE_URL, LOW_BANDWIDTH_FPS, Settings, sources
from kraken_tui.settings.sources import MAX_CONFIG_BYTES, load

NO_HOME = "takes a file name; there is no such home folder (write ./~ for a file of that name)"

FILE = "or a theme file such as desk.toml"


@pytest.fixture(autouse=True)
def no_user_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the developer's own configuration out; returns where the default file would be."""
    path = tmp_path / "none" / "config.toml"
    monkeypatch.setattr("kraken_tui.settings.sources.default_config_path", lambda: path)
    return path


def write(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "config.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refusal(args: dict[str, object] | None = None, env: dict[str, str] | None = None, path: Path | None = None) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(args or {}, env or {}, path)
    return str(caught.value)


def test_without_any_source_the_defaults_hold() -> None:
    assert load({}, {}) == Settings()


def test_command_line_beats_environment_beats_file_beats_command_default(tmp_path: Path) -> None:
    path = write(tmp_path, "depth = 25\ninterval = 5\nfps = 20\n")
    env = {"KRAKEN_TUI_DEPTH": "500", "KRAKEN_TUI_INTERVAL": "15"}
    settings = load({"depth": "1000"}, env, path, {"fps": 30, "group": 5})
    assert (settings.depth, settings.interval, settings.fps, settings.group) == (1000, 15, 20, 5)


def test_every_setting_can_be_written_in_the_file(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        pairs = ["BTC/USD", "ETH/USD", "BTC/USD"]
        demo = true
        demo_seed = 7
        speed = 2
        record = "day.jsonl"
        depth = 10
        interval = 60
        group = 25
        theme = "light"
        fps = 15
        rest_url = "https://api.kraken.com"
        log_file = "/var/tmp/kraken.log"
        svg_dir = "pictures"
        recentre = "never"
        large_order = 2.5
        stale_after_s = 3
        quiet_after_s = 90.5
        mouse = false
        [keys]
        quit = "ctrl+q"
        "cursor.up" = ["up", "k"]
        """,
    )
    settings = load({}, {}, path)
    assert settings.pairs == ("BTC/USD", "ETH/USD")
    assert settings.record == tmp_path / "day.jsonl"
    assert settings.log_file == Path("/var/tmp/kraken.log")
    assert dict(settings.keys) == {"quit": "ctrl+q", "cursor.up": "up,k"}
    assert (settings.demo, settings.demo_seed, settings.speed, settings.mouse) == (True, 7, 2.0, False)
    assert (settings.stale_after_s, settings.quiet_after_s, settings.large_order) == (3.0, 90.5, 2.5)


def test_environment_text_is_read_like_the_command_line() -> None:
    env = {"KRAKEN_TUI_PAIRS": "BTC/USD, xbtusd", "KRAKEN_TUI_MOUSE": "off", "KRAKEN_TUI_DEMO": "yes"}
    settings = load({}, env)
    assert settings.pairs == ("BTC/USD", "xbtusd")
    assert settings.demo is True
    assert settings.mouse is False


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ({"depth": "33"}, "--depth takes one of 10, 25, 100, 500, 1000"),
        ({"depth": "１０"}, "--depth takes a whole number"),
        ({"interval": "2"}, "--interval takes one of 1, 5, 15, 30, 60, 240, 1440, 10080, 21600"),
        ({"group": "3"}, "--group takes one of 1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000 or 0 for automatic"),
        ({"theme": "drak"}, f"--theme takes one of auto, dark, light, colour-blind, terminal, {FILE}; nearest: dark"),
        ({"fps": "0"}, "--fps takes 1 to 60"),
        ({"fps": "61"}, "--fps takes 1 to 60"),
        ({"speed": "nan"}, "--speed takes a plain number"),
        ({"speed": "-1"}, "--speed takes 0 to 10000"),
        ({"record": ""}, "--record takes a file name"),
        ({"record": "~nobody-of-this-name/x"}, f"--record {NO_HOME}"),
        ({"pairs": ()}, "PAIR takes 1 to 50 pairs"),
        ({"pairs": ("A" * 41,)}, "PAIR takes pair names such as BTC/USD, at most 40 characters each"),
        ({"pairs": ("\x1b[2J",)}, "PAIR takes pair names such as BTC/USD, at most 40 characters each"),
        (
            {"demo": True, "replay": "a"},
            "--demo and --replay cannot be used together: each says where the frames come from",
        ),
    ],
)
def test_a_wrong_option_is_refused_in_one_sentence(args: dict[str, object], sentence: str) -> None:
    assert refusal(args) == sentence


def test_addresses_are_encrypted_or_local() -> None:
    assert load({"url": "ws://127.0.0.1:8080/v2"}, {}).url == "ws://127.0.0.1:8080/v2"
    assert load({"url": "wss://beta-ws.kraken.com/v2"}, {}).url == "wss://beta-ws.kraken.com/v2"
    assert load({"rest_url": "http://localhost:8080"}, {}).rest_url == "http://localhost:8080"
    assert refusal({"url": "ws://example.com"}).startswith("--url: the address 'ws://example.com' is not encrypted")
    assert refusal({"rest_url": "http://example.com"}).startswith("--rest-url: the address")
    said = refusal(env={"KRAKEN_TUI_URL": "ws://user:canary@example.com"})
    assert said == "environment variable KRAKEN_TUI_URL takes a wss:// address, or ws:// on this computer only"


def test_allowed_values_are_taken() -> None:
    for depth in DEPTHS:
        assert load({"depth": str(depth)}, {}).depth == depth
    assert load({"group": "0"}, {}).group == 0


def test_a_source_named_higher_up_replaces_one_named_below(tmp_path: Path) -> None:
    path = write(tmp_path, "demo = true\n")
    settings = load({"replay": "day.jsonl"}, {}, path)
    assert settings.replay == Path("day.jsonl")
    assert settings.demo is False
    assert load({}, {}, path).demo is True


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("depth = 10\ndetph = 25\n", " line 2: detph is not a setting; nearest: depth"),
        ("rest-url = 'https://x'\n", " line 1: rest-url is not a setting; nearest: rest_url"),
        ("\n\ndepth = '10'\n", " line 3: depth takes a whole number"),
        ("depth = true\n", " line 1: depth takes a whole number"),
        ("speed = '1'\n", " line 1: speed takes a number"),
        ("mouse = 1\n", " line 1: mouse takes true or false"),
        ("pairs = 'BTC/USD'\n", ' line 1: pairs takes a list of pairs, such as ["BTC/USD", "ETH/USD"]'),
        ("large_order = nan\n", " line 1: large_order takes 0 to 1e+12"),
        ("fps = 10\n[keys]\nfps = 3\n", ' line 3: fps takes a key such as "f2", or a list of keys'),
        ("keys = 3\n", " line 1: keys takes a [keys] table"),
        ("log_file = '~nobody-of-this-name/x'\n", f" line 1: log_file {NO_HOME}"),
        (f"large_order = 1{'0' * 400}\n", " line 1: large_order takes 0 to 1e+12"),
        (f"demo_seed = 1{'0' * 400}\n", " line 1: demo_seed takes 0 to 9.0072e+15"),
        (f"demo_seed = 1{'0' * 5000}\n", " holds a number with far too many digits"),
        ("depth = \n", " line 1 is not valid TOML; see the README for an example"),
    ],
)
def test_a_wrong_file_is_refused_with_line_and_key(tmp_path: Path, text: str, expected: str) -> None:
    path = write(tmp_path, text)
    assert refusal(path=path) == f"{path}{expected}"


def test_values_of_a_file_or_the_environment_are_never_repeated(tmp_path: Path) -> None:
    for text in ('depth = "canary"', 'theme = "canary"', 'canary = "canary"', 'url = "canary" canary', "fps = canary"):
        said = refusal(path=write(tmp_path, text + "\n"))
        assert "canary" not in said.replace("canary is not a setting", "")
    assert "canary" not in refusal(env={"KRAKEN_TUI_DEPTH": "canary"})


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    assert refusal(path=tmp_path / "missing.toml").endswith("missing.toml: No such file or directory")
    assert refusal(path=tmp_path) == f"configuration {tmp_path} is not a file"
    assert "byte order mark" in refusal(path=write(tmp_path, b"\xef\xbb\xbfdepth = 10\n"))
    assert "line 2 is not UTF-8" in refusal(path=write(tmp_path, b"depth = 10\n# \xff\n"))
    assert "longer than 1 MiB" in refusal(path=write(tmp_path, b"#" * (MAX_CONFIG_BYTES + 1)))
    assert "nested too deeply" in refusal(path=write(tmp_path, b"pairs = " + b"[" * 500_000 + b"\n"))


@pytest.mark.skipif(os.name == "nt", reason="FIFOs are a POSIX thing")
def test_a_pipe_as_configuration_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "is not a file" in refusal(path=tmp_path / "pipe")


def test_the_default_file_is_used_where_it_exists(no_user_config: Path) -> None:
    no_user_config.parent.mkdir()
    no_user_config.write_text("depth = 1000\n")
    assert load({}, {}).depth == 1000


@pytest.fixture
def no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs under a number nobody has given a name."""

    def unknown(_: int) -> object:
        raise KeyError

    for name in ("HOME", *(f"XDG_{kind}_HOME" for kind in ("CONFIG", "STATE", "DATA"))):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", unknown)


@pytest.mark.skipif(os.name == "nt", reason="Windows knows a user's folders otherwise")
@pytest.mark.usefixtures("no_home")
def test_without_a_home_folder_everything_but_files_still_works(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError, match="no home folder"):
        user_folder("config")
    monkeypatch.setattr(
        "kraken_tui.settings.sources.default_config_path", lambda: user_folder("config") / "config.toml"
    )
    assert load({}, {}) == Settings()
    assert budget_path_for(LIVE_URL) is None
    assert "could not be written" in crash.report(ValueError("x"))
    for check in (environment.folders, environment.free_space):
        result = Check("", "", "", check).result()
        assert result.outcome in (Outcome.FAIL, Outcome.SKIP)
        assert result.seen == "this user has no home folder; set HOME"


@pytest.mark.skipif(os.name == "nt", reason="names of any length are looked for there")
def test_a_default_file_that_cannot_be_looked_for_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / ("x" * 300) / "config.toml"
    monkeypatch.setattr("kraken_tui.settings.sources.default_config_path", lambda: path)
    assert refusal().endswith(": File name too long")


def test_the_environment_can_name_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "depth = 500\n")
    assert load({}, {"KRAKEN_TUI_CONFIG": str(path)}).depth == 500
    said = refusal(env={"KRAKEN_TUI_CONFIG": "~nobody-of-this-name/x"})
    assert said == f"environment variable KRAKEN_TUI_CONFIG {NO_HOME}"


def test_a_slip_in_an_environment_name_is_said_and_strange_names_are_left_alone() -> None:
    said = refusal(env={"KRAKEN_TUI_DETPH": "10"})
    assert said == "environment variable KRAKEN_TUI_DETPH is unknown; nearest: KRAKEN_TUI_DEPTH"
    assert load({}, {"KRAKEN_TUI_SHARED": "x", "KRAKEN_TUI_TRACEBACK": "1"}) == Settings()


def test_other_variables_are_passed_over_and_those_after_them_read() -> None:
    env = {"HOME": "/", "KRAKEN_TUI_SHARED": "x", "KRAKEN_TUI_DEPTH": "500", "PATH": "/bin", "KRAKEN_TUI_FPS": "7"}
    settings = load({}, env)
    assert (settings.depth, settings.fps) == (500, 7)


@pytest.mark.skipif(os.name == "nt", reason="Windows knows a user's folders otherwise")
def test_the_default_file_lies_in_the_users_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert sources.default_config_path() == tmp_path / "kraken-tui" / "config.toml"


def test_a_pair_given_twice_is_one_whatever_gave_it() -> None:
    assert load({"pairs": ("A/B", "C/D", "A/B")}, {}).pairs == ("A/B", "C/D")


def test_settings_after_the_table_of_keys_are_read_too(tmp_path: Path) -> None:
    path = write(tmp_path, 'keys = {quit = "x"}\ndepth = 25\n')
    settings = load({}, {}, path)
    assert (settings.depth, dict(settings.keys)) == (25, {"quit": "x"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[keys]\nquit = ["x", 3]\n', " line 2: quit"),
        ('[keys]\nquit = ["x", ""]\n', " line 2: quit"),
        ("[keys]\nquit = []\n", " line 2: quit"),
        ('[keys]\nfps = "f2"\nquit = 3\n', " line 3: quit"),
        ("fps = 7\nkeys = {fps = 3}\n", " line 2: fps"),
        ('keys.fps = "x"\n\nkeys.quit = 3\n', " line 3: quit"),
        ("fps = 7\n\n[keys]\n\nfps = 3\n", " line 5: fps"),
    ],
)
def test_a_wrong_key_is_refused_with_its_line_where_that_is_known(tmp_path: Path, text: str, expected: str) -> None:
    path = write(tmp_path, text)
    assert refusal(path=path) == f'{path}{expected} takes a key such as "f2", or a list of keys'


def test_the_first_byte_that_is_not_utf8_may_stand_after_a_first_empty_line(tmp_path: Path) -> None:
    assert "line 2 is not UTF-8" in refusal(path=write(tmp_path, b"\n\xff"))


@given(st.binary(max_size=400))
def test_any_bytes_give_settings_or_one_sentence(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(content)
    said = ""
    try:
        load({}, {}, path)
    except ConfigurationError as error:
        said = str(error)
    assert said.isprintable()
    assert len(said) < 600


def test_low_bandwidth_slows_the_screen_and_never_quickens_it(tmp_path: Path) -> None:
    config = write(tmp_path, "low_bandwidth = true\n")
    assert load({}, {}, config, {}).frame_rate == LOW_BANDWIDTH_FPS
    assert load({"fps": "2"}, {}, config, {}).frame_rate == 2
    assert load({"low_bandwidth": True}, {}, None, {}).frame_rate == LOW_BANDWIDTH_FPS
    assert load({}, {"KRAKEN_TUI_LOW_BANDWIDTH": "no"}, config, {}).frame_rate == 10
