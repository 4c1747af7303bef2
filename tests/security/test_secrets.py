"""Secrets that are no keys, and no place that repeats them (P21, X5); those of an account are in `test_canaries`.

What a user may have given the program besides a key is a proxy's password, a password in an address by mistake, and
whatever stands in the settings. Each of them is a canary here: everything the program
writes is searched for it, in every usual encoding.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import socket
import subprocess
import sys
import threading
import traceback
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kraken_tui.cli import main as cli
from kraken_tui.engine.engine import Engine
from kraken_tui.engine.listeners import ListenerClosed
from kraken_tui.errors import ConfigurationError
from kraken_tui.feed.connection.failures import explain
from kraken_tui.feed.connection.sockets import open_socket
from kraken_tui.feed.rest.client import RestClient
from kraken_tui.settings import Settings
from kraken_tui.settings.address import check_rest_url, check_url, proxy_for
from kraken_tui.tui.app import KrakenApp
from kraken_tui.tui.export import svg
from kraken_tui.wire.signing import sign

CANARY = "c4n4ry-S3cret"


def disguises(secret: str) -> set[str]:
    """A secret as it may be written: plain, for a URL, base64, hex, escaped; and its larger halves."""
    raw = secret.encode("utf-8", "surrogatepass")
    escaped = "".join(f"\\u{ord(c):04x}" for c in secret)
    return {
        secret, quote(secret, safe=""), b64encode(raw).decode(), raw.hex(), raw.hex().upper(), escaped, secret[::-1],
        secret[: len(secret) * 2 // 3], secret[len(secret) // 3 :],
    }  # fmt: skip


def found_in(text: str | bytes, secret: str = CANARY) -> list[str]:
    """The disguises of a secret that a text holds."""
    content = text.decode("utf-8", "surrogateescape") if isinstance(text, bytes) else text
    return [disguise for disguise in disguises(secret) if disguise in content]


# Marked, so that a short secret is not found by chance in an honest sentence.
SECRETS = st.text(
    st.one_of(st.sampled_from("/@:?#[]%& \\"), st.characters(codec="ascii", exclude_categories=("Cc",))), max_size=20
).map(lambda text: f"q~{text}~zq")
HOSTS = st.sampled_from(("ws.kraken.com/v2", "localhost:8080/", "evil.example", "[::1]/x", ""))
WRITTEN = st.sampled_from((str, lambda text: quote(text, safe="")))


@settings(max_examples=200)
@given(
    st.sampled_from(("wss", "ws", "https", "http", "ftp", "")),
    SECRETS,
    st.sampled_from((str, lambda text: quote(text, safe=""))),
    HOSTS,
)
def test_p21_no_address_that_is_refused_repeats_its_password(
    scheme: str, secret: str, written: object, host: str
) -> None:
    password = written(secret)  # type: ignore[operator]
    for check in (check_url, check_rest_url):
        with suppress(ConfigurationError):
            check(f"{scheme}://user:{password}@{host}")
            raise AssertionError("it was not refused")
        with pytest.raises(ConfigurationError) as caught:
            check(f"{scheme}://user:{password}@{host}")
        assert found_in(str(caught.value), secret) == []
        assert found_in(str(caught.value), password) == []


@settings(max_examples=200)
@given(st.sampled_from(("http", "https", "socks5", "ftp", "HTTP", "")), SECRETS, WRITTEN, HOSTS)
def test_p21_no_failure_of_a_proxy_repeats_its_password(scheme: str, secret: str, written: object, host: str) -> None:
    password = written(secret)  # type: ignore[operator]
    proxy = f"{scheme}://user:{password}@{host}" if scheme else f"user:{password}@{host}"
    with pytest.MonkeyPatch.context() as patch:
        for name in ("no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            patch.delenv(name, raising=False)
        patch.setenv("https_proxy", proxy)
        taken, shown = proxy_for("wss://ws.kraken.com/v2")
    assert taken == proxy
    with pytest.raises(Exception) as caught:  # noqa: PT011  # whatever the library makes of it
        asyncio.run(open_socket("ws://exchange.example/v2", _unreachable(proxy), 2.0))
    failure = explain(caught.value, "wss://ws.kraken.com/v2", proxy=shown)
    assert failure is not None, f"{caught.value!r}"
    texts = [shown, failure.cause]
    for text in texts:
        assert found_in(text, secret) == []
        assert found_in(text, password) == []


def _unreachable(proxy: str) -> str:
    """The same with a host where nobody listens, so that nothing is looked up or reached."""
    return (
        proxy.replace("ws.kraken.com/v2", "127.0.0.1:9")
        .replace("localhost:8080/", "127.0.0.1:9")
        .replace("evil.example", "127.0.0.1:9")
    )


# -- everything that is written -----------------------------------------------------------------------------------


@contextmanager
def proxy_that(answer: Callable[[bytes], bytes]) -> Iterator[int]:
    """A proxy on loopback that says something to every request and hangs up; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):  # the test is over
                while True:
                    connection, _ = listening.accept()
                    with connection:
                        connection.sendall(answer(connection.recv(8192)))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def echo(request: bytes) -> bytes:
    """Refuse, and repeat what was sent, credentials and all."""
    said = request.replace(b"\r\n", b" ")
    return b"HTTP/1.1 407 %b\r\nX: %b\r\nContent-Length: %d\r\n\r\n%b" % (said[-60:], said, len(said), said)


PROXIES = {
    "refuses and repeats": (echo, f"http://user:{CANARY}@127.0.0.1:PORT"),
    "hangs up": (lambda _: b"", f"http://user:{CANARY}@127.0.0.1:PORT"),
    "speaks no HTTP": (lambda request: request, f"http://user:{CANARY}@127.0.0.1:PORT"),
    "cannot be read": (lambda _: b"", f"http://user:{CANARY}/x@127.0.0.1:PORT"),
    "is of another kind": (lambda _: b"", f"ftp://user:{CANARY}@127.0.0.1:PORT"),
    "has a path": (lambda _: b"", f"http://user:{CANARY}@127.0.0.1:PORT/{CANARY[:2]}"),
}


@pytest.fixture
def only_https_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)


def written_below(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, archives unpacked."""
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: gzip.decompress(data) if name.endswith(".gz") else data for name, data in files.items()}


@pytest.mark.realtime
@pytest.mark.usefixtures("only_https_proxy")
@pytest.mark.parametrize("kind", PROXIES)
async def test_x5_a_proxys_password_is_nowhere(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Events, views, screen, picture, log and recording of a program that fails at its proxy."""
    answer, address = PROXIES[kind]
    with proxy_that(answer) as port:
        monkeypatch.setenv("https_proxy", address.replace("PORT", str(port)))
        settings = Settings(
            pairs=("BTC/USD",),
            url="wss://exchange.example/v2",
            rest_url="https://exchange.example",
            log_file=tmp_path / "log",
            record=tmp_path / "frames.jsonl.gz",
        )
        engine = Engine(settings)
        listener = engine.listen()
        app = KrakenApp(engine, settings, live=False)
        engine.start()
        try:
            async with app.run_test(size=(120, 36)) as pilot:
                for _ in range(200):
                    lines = [line.text for line in engine.feed_view.log if "connecting" not in line.text]
                    if any("proxy" in line for line in lines):
                        break
                    await asyncio.sleep(0.01)
                await pilot.press("f7")
                app.tick(everything=True)
                await pilot.pause()
                shown = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
                picture = svg.screen_svg(app, app.picture_title())
            rest = await RestClient("https://exchange.example", gap_s=0).ohlc("BTC/USD", 1)
        finally:
            assert engine.stop(5)
    assert engine.failure is None
    assert "proxy" in shown
    told = [shown, picture, rest.reason, repr(engine.feed_view), repr(engine.view("BTC/USD")), caplog.text]
    with suppress(ListenerClosed):
        while True:
            told.append(repr(listener.get(5)))
    assert len(told) > 8
    assert [found for text in told for found in found_in(text)] == []
    files = written_below(tmp_path)
    assert set(files) >= {"log", "frames.jsonl.gz"}
    assert {name: found_in(data) for name, data in files.items() if found_in(data)} == {}


@pytest.mark.realtime
@pytest.mark.usefixtures("only_https_proxy")
@pytest.mark.parametrize("kind", ["refuses and repeats", "cannot be read"])
def test_x5_a_process_writes_no_password(kind: str, tmp_path: Path) -> None:
    """Standard output and error, crash reports included, and whatever a run leaves behind."""
    answer, address = PROXIES[kind]
    folders = {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in ("CONFIG", "STATE", "DATA", "CACHE")}
    argv = [
        "stream",
        "BTC/USD",
        "--seconds",
        "0.3",
        "--log-file",
        str(tmp_path / "log"),
        "--record",
        str(tmp_path / "r"),
    ]
    with proxy_that(answer) as port:
        done = subprocess.run(
            [sys.executable, "-X", "dev", "-m", "kraken_tui", *argv],
            env={**os.environ, **folders, "https_proxy": address.replace("PORT", str(port))},
            capture_output=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert found_in(done.stdout + done.stderr) == []
    assert {name: found_in(data) for name, data in written_below(tmp_path).items() if found_in(data)} == {}


@pytest.mark.parametrize("source", ["option", "environment", "file"])
def test_x5_no_setting_repeats_a_password(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"wss://user:{CANARY}@ws.kraken.com/v2"
    argv = ["stream", "BTC/USD", "--seconds", "1"]
    if source == "option":
        argv += ["--url", url]
    elif source == "environment":
        monkeypatch.setenv("KRAKEN_TUI_URL", url)
    else:
        (tmp_path / "c.toml").write_text(f'url = "{url}"\n', encoding="ascii")
        argv += ["--config", str(tmp_path / "c.toml")]
    assert cli.main(argv) == 2
    out, err = capsys.readouterr()
    assert err.count("\n") == 1
    assert found_in(out + err) == []


def test_x12_a_private_key_is_in_no_text_of_signing() -> None:
    """The key must be in neither error nor result of a signature."""
    key = b64encode(CANARY.encode()).decode()
    signature = sign("/0/private/Balance", "1", "nonce=1", key)
    assert found_in(signature) == []
    with pytest.raises(ValueError, match="base64") as caught:
        sign("/0/private/Balance", "1", "nonce=1", f"{CANARY}*")
    report = "".join(traceback.format_exception(caught.value))
    assert found_in(report) == []
