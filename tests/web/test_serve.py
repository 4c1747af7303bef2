"""`kraken-tui serve` as it is run: processes, sockets, signals."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from kraken_tui.cli.main import main
from kraken_tui.exchange import ExchangeThread
from tests.faults.ledger import Ledger
from tests.web.serving import COMMAND, alive, base_of, children, get, serving, ticket_of, visiting

pytestmark = [
    pytest.mark.realtime,
    pytest.mark.skipif(find_spec("textual_serve") is None, reason="the extra web is not installed"),
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes under /proc"),
]


async def gone(pids: list[int], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while any(map(alive, pids)):
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.05)
    return True


async def test_two_visitors_of_one_connection(tmp_path: Path) -> None:
    with (
        ExchangeThread(seed=3, profile="calm") as exchange,
        serving("--url", exchange.ws_url, "--rest-url", exchange.rest_url, "BTC/USD", "ETH/USD") as (process, url),
    ):
        async with visiting(url) as one, visiting(url, (120, 36)) as other:
            for page in (one, other):
                await page.shows("VERIFIED", "SUBSCRIBED", "BTC/USD", "0 failed")
            assert "DEMO" not in one.text
            assert exchange.exchange.connections == 1
            # A key of one changes nothing for the other.
            await one.press("\t")
            await one.until(lambda: "3," in one.text.splitlines()[1])
            assert "ETH" in one.text.splitlines()[0]
            # Its size follows the page.
            await one.say("resize", {"width": 100, "height": 30})
            one.screen.resize(30, 100)
            await one.until(lambda: "quit" in one.screen.display[29])
            # Keys that would write here are not offered and do nothing but say so.
            for key in "sSR":
                await other.press(key)
                await other.shows("A visitor's screen writes no files")
            await other.press("d")
            await other.shows("its depth is the server's")
            assert not {"save", "record"} & set(other.screen.display[35].split())
            processes = children(process.pid)
            assert len(processes) == 2
            # A visitor who quits leaves; the others stay.
            await one.press("q")
            await one.until(lambda: one.ended, 5)
            assert await gone([pid for pid in processes if pid not in children(process.pid)], 2)
            assert len(children(process.pid)) == 1
            await other.shows("VERIFIED")
        # One whose page is closed leaves too.
        assert await gone(processes, 2.5)
        assert process.poll() is None


async def test_f131_the_exchange_is_lost_and_found_again(ledger: Ledger) -> None:
    with (
        ExchangeThread(seed=3, profile="calm") as exchange,
        serving("--url", exchange.ws_url, "--rest-url", exchange.rest_url, "BTC/USD") as (_, url),
    ):
        async with visiting(url) as page:
            await page.shows("VERIFIED")
            exchange.faults.refuse_connections(503)
            exchange.faults.close_all(1001, "going away")
            began = time.monotonic()
            await page.shows("UNVERIFIED", "STALE", "OFFLINE", seconds=5)
            told = time.monotonic() - began
            await page.press("\x1b[18~")
            await page.shows("1013 exchange lost: closed by the", seconds=5)
            await page.press("\x1bOQ")
            exchange.faults.accept_connections()
            began = time.monotonic()
            await page.shows("✓ VERIFIED", seconds=20)
    back = time.monotonic() - began
    ledger(
        "told, then back", f"told after {told:.1f} s, VERIFIED {back:.1f} s after the exchange was back", "5 s; 20 s"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_end_takes_the_visitors_along(number: signal.Signals) -> None:
    with serving("--demo", "BTC/USD") as (process, url):
        async with visiting(url) as one, visiting(url):
            await one.shows("DEMO", "VERIFIED")
            processes = children(process.pid)
            began = time.monotonic()
            process.send_signal(number)
            assert await asyncio.to_thread(process.wait, 5) == 128 + number
            assert time.monotonic() - began < 2
            assert await gone(processes, 0.5)
            await one.until(lambda: one.ended, 2)


async def test_an_exchange_that_is_mute_does_not_keep_the_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"127.0.0.1:{mute.getsockname()[1]}"
        more = ("--url", f"ws://{address}/v2", "--rest-url", f"http://{address}", "BTC/USD")
        with serving(*more) as (process, url):
            async with visiting(url) as page:
                await page.shows("CONNECTING")
                processes = children(process.pid)
                began = time.monotonic()
                process.terminate()
                assert await asyncio.to_thread(process.wait, 5) == 128 + signal.SIGTERM
                assert time.monotonic() - began < 2.2
                assert await gone(processes, 2)


async def test_f132_visitors_end_with_a_server_that_was_killed(ledger: Ledger) -> None:
    with serving("--demo", "BTC/USD") as (process, url):
        async with visiting(url) as page:
            await page.shows("VERIFIED")
            processes = children(process.pid)
            process.kill()
            began = time.monotonic()
            assert await gone(processes, 2.5)
    ledger("no process left", f"gone after {time.monotonic() - began:.1f} s", "2.5 s")


async def test_places_are_bounded_and_said() -> None:
    with serving("--demo", "--visitors", "1", "BTC/USD") as (_, url):
        spare = ticket_of(url)
        async with visiting(url) as page:
            await page.shows("VERIFIED")
            sentence = "the only place is taken; try again later"
            base = base_of(url)
            with pytest.raises(InvalidStatus, match="503"):
                await connect(f"ws{base[4:]}/visit/{spare}", origin=base)  # type: ignore[arg-type]
            assert sentence in get(f"{base}/ended/{spare}")[1]
        async with visiting(url) as page:
            await page.shows("VERIFIED")


def test_a_pair_that_is_refused_is_said_to_whoever_runs_the_server() -> None:
    # Also what `--token abc` comes to: the word is taken for a pair.
    with serving("--demo", "BTC/USD", "abc") as (process, _):
        assert process.stderr is not None
        said = [process.stderr.readline() for _ in range(2)]
    assert [line for line in said if "abc" in line.lower()] == [
        "kraken-tui: abc is refused: Kraken has no pair 'abc', nor one with a name like it\n"
    ]


def test_an_exchange_that_cannot_be_reached_is_said_once() -> None:
    with serving("--url", "ws://127.0.0.1:1/v2", "BTC/USD") as (process, _):
        assert process.stderr is not None
        line = process.stderr.readline()
        time.sleep(3)
        process.terminate()
        rest = process.stderr.read()
    assert line == ("kraken-tui: no connection to the exchange: 127.0.0.1:1 refused the connection; trying again\n")
    assert rest == ""


async def test_only_our_own_page_gets_a_screen() -> None:
    with serving("--demo", "BTC/USD") as (process, url):
        base = base_of(url)
        assert get(url, Host="evil.example")[0] == 403
        assert get(url, Origin="http://evil.example")[0] == 403
        for path in (
            "/nothing",
            "/static/",
            "/static/../page.html",
            "/static/..%2fpage.html",
            "/visit/x",
            "/download/x",
        ):
            assert get(f"{base}{path}")[0] in (403, 404), path
        assert "allowed: GET, HEAD" in get(url, method="POST")[1]
        status, _, headers = get(url)
        assert status == 200
        # No versions, for whoever looks for one with a hole.
        assert headers["Server"] == "kraken-tui"
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        # Nothing of any other server, so that it works without a network.
        for name in ("", "static/page.css", "static/page.js"):
            assert not re.findall(r"https?://|[\"'(]//", get(f"{base}/{name}")[1]), name
        ticket = ticket_of(url)
        for origin in ("http://evil.example", None):
            with pytest.raises(InvalidStatus, match="403"):
                await connect(f"ws{base[4:]}/visit/{ticket}", origin=origin)  # type: ignore[arg-type]
        with pytest.raises(InvalidStatus, match="403"):
            await connect(f"ws{base[4:]}/visit/guessed", origin=base)  # type: ignore[arg-type]
        assert children(process.pid) == []
        async with connect(f"ws{base[4:]}/visit/{ticket}", origin=base) as socket:  # type: ignore[arg-type]
            await socket.send('["resize",{"width":-5,"height":1e99}]')
            await socket.send("nonsense")
            assert await socket.recv()
            # A ticket is for one visit.
            with pytest.raises(InvalidStatus, match="403"):
                await connect(f"ws{base[4:]}/visit/{ticket}", origin=base)  # type: ignore[arg-type]


async def test_a_token_is_in_the_address_and_nowhere_else(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("a-token-of-our-own\n")
    with serving("--demo", "--token-file", str(file), "BTC/USD") as (_, url):
        assert url.endswith("/?token=a-token-of-our-own")
        status, body, _ = get(base_of(url) + "/")
        assert status == 403
        assert "the address lacks its token" in body
        assert get(f"{base_of(url)}/?token=another-token-here")[0] == 403
        async with visiting(url) as page:
            await page.shows("VERIFIED")
    with serving("--demo", "--token", "BTC/USD") as (_, url):
        assert len(url.rpartition("=")[2]) == 32


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "r.jsonl"
    command = [
        sys.executable,
        "-m",
        "kraken_tui",
        "stream",
        "--demo",
        "--record",
        str(path),
        "--seconds",
        "4",
        "BTC/USD",
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60)
    return path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def test_a_recording_is_played_for_each_visitor_alone(recording: Path) -> None:
    with serving("--replay", str(recording)) as (_, url):
        async with visiting(url) as one, visiting(url) as other:
            await one.shows("REPLAY", "VERIFIED", "BTC/USD")
            await one.press("p")
            await one.shows("PAUSED")
            await other.shows("VERIFIED")
            assert "PAUSED" not in other.text
    assert names(recording.parent) == {recording.name}


def test_a_port_that_is_taken_is_one_sentence() -> None:
    with serving("--demo", "BTC/USD") as (_, url):
        port = url.rstrip("/").rpartition(":")[2]
        done = subprocess.run(
            [*COMMAND, "--demo", "--listen", f"127.0.0.1:{port}"], capture_output=True, text=True, timeout=30
        )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        f"kraken-tui: cannot listen on 127.0.0.1:{port}: another program does; choose another port with --listen\n"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--listen", "0.0.0.0:8000"], "--listen 0.0.0.0:8000 is open to other computers: add --token"),
        (["--listen", "desk:8000"], "is not an address to listen on; write it as 127.0.0.1:8000 or [::1]:8000"),
        (["--visitors", "0"], "--visitors takes 1 to 100"),
        (["--public-url", "desk.example.org"], "--public-url: 'desk.example.org' is not a public address"),
        (["--token", "--token-file", "x"], "--token and --token-file exclude each other"),
        (["--token-file", "/nowhere/token"], "--token-file: cannot read /nowhere/token"),
        (["--token-file", "/dev/null"], "must hold 16 to 200 letters"),
        (["--record", "x"], "unknown option --record"),
        (["--replay", "/nowhere"], "there is no recording /nowhere"),
        (["--demo", "--replay", "x"], "cannot be used together"),
    ],
)
def test_wrong_use_is_one_sentence(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err
    assert err.count("\n") == 1


def test_without_the_extra_it_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "textual_serve", None)
    assert main(["serve", "--demo"]) == 2
    assert "pip install 'kraken-tui[web]'" in capsys.readouterr().err


def test_a_process_of_a_visitor_is_nothing_to_start_by_hand() -> None:
    done = subprocess.run([sys.executable, "-m", "kraken_tui.web.visitor"], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (1, "this is a part of kraken-tui serve, which starts it\n")
