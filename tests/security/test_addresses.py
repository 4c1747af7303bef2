"""Addresses that look like one thing and are another (RELIABILITY.md X2), and where connections go (X3, X4)."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from kraken_tui.cli import main as cli
from kraken_tui.errors import ConfigurationError
from kraken_tui.exchange import ExchangeThread
from kraken_tui.settings.address import check_rest_url, check_url

TRICKS = [
    "ws://ws.kraken.com/v2",
    "ws://localhost.evil.example/v2",
    "ws://127.0.0.1.evil.example/v2",
    "ws://localhost@evil.example/v2",
    "ws://evil.example#localhost",
    "ws://evil.example\\@localhost/v2",
    "wss://user:secret@ws.kraken.com/v2",
    "ws://localhost./v2",
    "ws://LOCALHOST.evil/v2",
    "ws://2130706433/v2",
    "ws://0x7f000001/v2",
    "ws://127.1/v2",
    "ws://0177.0.0.1/v2",
    "ws://127.0.0.2/v2",
    "ws://[::ffff:127.0.0.1]/v2",
    "ws://0.0.0.0/v2",
    "ws://①②⑦.0.0.1/v2",
    "ws://localhost\t.evil/v2",
    "ws://localhost\n/v2",
    "ws://localhost:0/v2",
    "ws://localhost:99999/v2",
    "ws:///v2",
    "ws:localhost",
    "//localhost/v2",
    "file:///etc/passwd",
    "http://localhost/",
    "javascript:alert(1)",
    "wss://ws.kraken.com/v2#fragment",
    "",
]


@pytest.mark.parametrize("trick", TRICKS)
def test_a_trick_is_refused_without_repeating_a_password(trick: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_url(trick)
    assert "secret" not in str(caught.value)
    assert str(caught.value).isprintable()
    assert cli.main(["stream", "BTC/USD", f"--url={trick}"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "secret" not in err


@pytest.mark.parametrize("trick", [trick.replace("ws", "http", 1) for trick in TRICKS if not trick.startswith("http")])
def test_the_same_for_rest(trick: str) -> None:
    with pytest.raises(ConfigurationError):
        check_rest_url(trick)


@pytest.mark.parametrize(
    "good", ["wss://ws.kraken.com/v2", "ws://127.0.0.1:8080/v2", "ws://[::1]:80/v2", "ws://localhost/v2", "wss://a.b/"]
)
def test_what_is_meant_is_taken(good: str) -> None:
    assert check_url(good) == good


WATCHED = """
import json, os, sys
seen = set()
def hook(event, args):
    if event == "socket.connect":
        seen.add(str(args[1][0]) if isinstance(args[1], tuple) else "unix:" + str(args[1]))
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.bind"):
        seen.add(str(args[1][0] if event == "socket.bind" else args[0]))
    elif event in ("subprocess.Popen", "os.system", "os.exec", "webbrowser.open", "urllib.Request"):
        seen.add(event + " " + str(args[0]))
sys.addaudithook(hook)
from kraken_tui.cli.main import main
code = main(sys.argv[1:])
sys.stdout.flush()
print(json.dumps(sorted(seen)), file=sys.stderr)
sys.exit(code)
"""


def watched(tmp_path: Path, *argv: str) -> tuple[int, list[str]]:
    """Run the program under an audit hook; its exit code, and every host, process and address it asked for."""
    folders = {f"XDG_{kind}_HOME": str(tmp_path / kind.lower()) for kind in ("CONFIG", "STATE", "DATA", "CACHE")}
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, *argv],
        # uvloop resolves names and connects where no audit hook sees it.
        env={**os.environ, **folders, "KRAKEN_TUI_LOOP": "asyncio"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, json.loads(done.stderr.splitlines()[-1])


@pytest.mark.realtime
def test_no_host_but_the_one_named_is_ever_asked_for(tmp_path: Path) -> None:
    with ExchangeThread(pairs=["BTC/USD"]) as exchange:
        exchange.faults.inject('{"channel":"status","data":[{"system":"http://evil.example/"}]}')
        argv = ["stream", "BTC/USD", "--url", exchange.ws_url, "--rest-url", exchange.rest_url, "--count", "20"]
        code, asked = watched(tmp_path, *argv)
    assert code == 0
    assert "127.0.0.1" in asked
    rest = [one for one in asked if one.startswith("urllib.Request")]
    assert all(one.startswith(f"urllib.Request {exchange.rest_url}/0/public/") for one in rest)
    assert rest
    assert set(asked) - set(rest) == {"127.0.0.1"}


@pytest.mark.realtime
def test_the_screen_of_a_picture_asks_for_loopback_alone(tmp_path: Path) -> None:
    code, asked = watched(tmp_path, "snapshot", "BTC/USD", "--demo", "--output", str(tmp_path / "a.svg"))
    assert code == 0
    assert {one for one in asked if not one.startswith("urllib.Request http://127.0.0.1:")} == {"127.0.0.1"}


@pytest.mark.realtime
def test_live_addresses_are_krakens_alone(tmp_path: Path) -> None:
    """Without a network the names cannot be found, but which were asked for can be seen."""
    code, asked = watched(tmp_path, "stream", "BTC/USD", "--seconds", "1")
    assert code in (0, 1)
    names = {one for one in asked if not one.replace(".", "").isdigit() and ":" not in one}
    assert names <= {"ws.kraken.com", "api.kraken.com"}
    assert "ws.kraken.com" in names


def test_x3_no_test_may_reach_another_computer() -> None:
    """The hook of the whole suite (tests/conftest.py) is in force; what a subprocess does, it does not see."""
    with socket.socket() as stranger, pytest.raises(RuntimeError, match=r"192\.0\.2\.1"):
        stranger.connect(("192.0.2.1", 9))
