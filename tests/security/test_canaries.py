"""Fifty places where a key, a private key or a token could come to light, and does not (P21, X5, X6, X12).

Each place is given canaries, as a defect or an unfriendly peer would put them there, and returns all that can be seen
of it. The places behind a gate are played a second time with the gates open: there the canary must be seen, or the
place proves nothing.
"""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import gc
import gzip
import io
import json
import logging
import os
import pickle
import pprint
import subprocess
import sys
import traceback
import urllib.request
from base64 import b64decode, b64encode
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from types import ModuleType
from typing import NamedTuple
from urllib.parse import quote

import msgspec
import pytest

from kraken_tui import secret_log
from kraken_tui import text as text_gate
from kraken_tui.cli import crash
from kraken_tui.cli import main as cli
from kraken_tui.cli.console import complain
from kraken_tui.engine.log import EventLog
from kraken_tui.errors import ConfigurationError, SubscriptionFailed
from kraken_tui.feed.connection.auth import Authentication
from kraken_tui.feed.connection.failures import explain
from kraken_tui.feed.rest.http import Http
from kraken_tui.feed.rest.private import PrivateClient
from kraken_tui.keys.key import FILE, KEYRING, ApiKey, make_key
from kraken_tui.keys.store import KeyStore
from kraken_tui.recording import format as recording_format
from kraken_tui.recording.writer import Recorder
from kraken_tui.secret import Secret
from kraken_tui.text import clean_text, safe_file_stem
from kraken_tui.wire import private_requests
from kraken_tui.wire.refusals import refusal
from kraken_tui.wire.rest_account import WebSocketsToken
from kraken_tui.wire.signing import sign
from tests.feed.rest.private_rig import Account, serving

PUBLIC = "Y4n4ryPublicKeyOfTheAccountThatNobodyMaySee/+QmFzZTY0Zg"
PRIVATE = b64encode(b"c4n4ry private key of the account, which nobody may ever see: +/").decode()
TOKEN = "C4n4ryTokenOfOneConnection/ThatNobodyMaySee+0123456789"
LEAST = 20
"""So long a part of a canary counts as seen."""


def seen_in(shown: str | bytes) -> list[str]:
    """The canaries that a text shows, whole or in part, in any usual way of writing."""
    text = shown.decode("latin-1") if isinstance(shown, bytes) else shown
    found = []
    for name, value in (("public", PUBLIC), ("private", PRIVATE), ("token", TOKEN)):
        forms = [value, quote(value, safe=""), value.replace("/", "\\/"), value[::-1], value.encode().hex()]
        if name == "private":
            forms += [b64decode(value).hex(), b64decode(value).decode("latin-1")]
        pieces = {form[at : at + LEAST] for form in forms for at in range(len(form) - LEAST + 1)}
        found += [name for piece in pieces if piece in text][:1]
    return found


def key() -> ApiKey:
    return make_key("canary", PUBLIC, PRIVATE, FILE)


def token() -> Secret:
    return Secret(TOKEN, lasting=False)


def outgoing() -> str:
    return private_requests.subscribe_executions(token(), req_id=1)


def failing(use: Callable[[], object]) -> str:
    """The error of a call, with its traceback."""
    try:
        use()
    except Exception as error:
        return f"{error!r} {error} " + "".join(traceback.format_exception(error))
    raise AssertionError("it did not fail")


# -- the places ---------------------------------------------------------------------------------------------------


class Place(NamedTuple):
    """One place: its name, what can be seen there, and whether only a gate keeps the canary in."""

    name: str
    show: Callable[[Path], str | bytes]
    gate: bool = False


def with_locals(_: Path) -> str:
    def inner(held: ApiKey, taken: Secret) -> None:
        raise RuntimeError("a defect")

    try:
        inner(key(), token())
    except RuntimeError as error:
        return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    return ""


def logged(value: str) -> Callable[[Path], str | bytes]:
    def show(folder: Path) -> str | bytes:
        key(), token()
        log = EventLog(folder / "log")
        log.add(1, "error", value)
        log.close()
        return repr(log.lines) + (folder / "log").read_text(encoding="utf-8")

    return show


def crashed(make: Callable[[], BaseException]) -> Callable[[Path], str | bytes]:
    def show(folder: Path) -> str | bytes:
        key(), token()
        shown = io.StringIO()
        os.environ["KRAKEN_TUI_TRACEBACK"] = "1"
        try:
            with redirect_stderr(shown):
                sentence = crash.report(make(), folder / "crash.log")
        finally:
            del os.environ["KRAKEN_TUI_TRACEBACK"]
        report = (folder / "crash.log").read_text(encoding="utf-8")
        assert "RuntimeError" in report or "ExceptionGroup" in report
        return sentence + shown.getvalue() + report

    return show


def chained() -> BaseException:
    try:
        try:
            raise ValueError(f"Invalid header value {PUBLIC.encode()!r}")
        except ValueError as error:
            raise RuntimeError("wrapped") from error
    except RuntimeError as error:
        return error


def noted() -> BaseException:
    error = RuntimeError("noted")
    error.add_note(f"with {PRIVATE}")
    return error


def recorded(name: str, frame: str, direction: str = "tx") -> Callable[[Path], str | bytes]:
    def show(folder: Path) -> str | bytes:
        key(), token()
        path = folder / name
        recorder = Recorder(path, wall_ns=1, url=f"wss://ws-auth.kraken.com/v2?token={TOKEN}", pairs=[TOKEN])
        recorder.write(frame.encode(), 2, direction)
        recorder.close()
        raw = path.read_bytes()
        if name.endswith(".gz"):
            return gzip.decompress(raw)
        if name.endswith(".zst"):
            import zstandard

            return zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True).read()
        return raw

    return show


def library_log(_: Path) -> str:
    """What a program sees that turns the library's own log on."""
    token()
    shown = io.StringIO()
    handler = logging.StreamHandler(shown)
    logger = secret_log.hide_secrets("websockets.client")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        logger.debug("> %s", f"TEXT '{outgoing()}'")
        logger.debug("> %s: %s", "API-Sign", TOKEN)
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
    return shown.getvalue()


def asked(folder: Path, answer: object) -> str:
    """A client and an exchange that answers with what it was sent."""
    account = Account()
    account.script = [answer, answer]
    with serving(account) as url:
        client = PrivateClient(url, key(), folder, again_s=0.0)
        found = asyncio.run(client.token())
        files = "".join(f"{path.name} {path.read_text()}" for path in folder.rglob("*") if path.is_file())
        return f"{found!r} {getattr(found, 'sentence', '')} {client.stopped} {client.__dict__!r} {files}"


def bad_header(_: Path) -> str:
    held = key()
    bad = {"API-Key": f"{held.public.reveal()}\n", "API-Sign": PRIVATE}
    return repr(Http("http://127.0.0.1:9", 1.0).send(urllib.request.Request("http://127.0.0.1:9/", b"", bad)))


def ran(*argv: str, typed: str = "", env: dict[str, str] | None = None) -> Callable[[Path], str | bytes]:
    """A whole command, its output and all it leaves behind but the file of keys."""

    def show(folder: Path) -> str | bytes:
        key()
        shown = io.StringIO()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdin", io.StringIO(typed))
            for kind in ("CONFIG", "STATE", "DATA"):
                patch.setenv(f"XDG_{kind}_HOME", str(folder / kind.lower()))
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            with redirect_stdout(shown), redirect_stderr(shown):
                cli.main(list(argv))
        files = [path for path in folder.rglob("*") if path.is_file() and path.name != "keys.json"]
        return shown.getvalue() + "".join(f"{path} {path.read_text()}" for path in files)

    return show


def complained(_: Path) -> str:
    key(), token()
    shown = io.StringIO()
    with redirect_stderr(shown):
        complain(f"the exchange refused {PUBLIC} and {TOKEN}")
    return shown.getvalue()


def keyring_fails(folder: Path) -> str:
    broken = ModuleType("keyring")

    def refuse(*words: str) -> None:
        raise RuntimeError(f"no backend for {words}")

    broken.set_password = refuse  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "keyring", broken)
        return failing(lambda: KeyStore(folder / "keys.json").add(make_key("x", PUBLIC, PRIVATE, KEYRING)))


def an_auth() -> Authentication:
    found = Authentication()
    found.opened(0)
    found.fetched(WebSocketsToken(token(), 900), 0)
    return found


async def a_task() -> str:
    key()

    async def work() -> None:
        raise RuntimeError(clean_text(f"sent {TOKEN}"))

    task = asyncio.create_task(work())
    with suppress(RuntimeError):
        await task
    return repr(task)


def unawaited(_: Path) -> str:
    """What asyncio prints of a task that nobody awaited."""
    token()
    shown = io.StringIO()
    handler = logging.StreamHandler(shown)
    logger = secret_log.hide_secrets("asyncio")
    logger.addHandler(handler)

    async def work() -> None:
        raise RuntimeError(f"sent {TOKEN}")

    async def main() -> None:
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        del task
        gc.collect()

    try:
        asyncio.run(main())
    finally:
        logger.removeHandler(handler)
    assert "never retrieved" in shown.getvalue()
    assert "RuntimeError" in shown.getvalue()
    return shown.getvalue()


V1_ECHO = json.dumps({"event": "subscriptionStatus", "subscription": {"name": "ownTrades", "token": TOKEN}})

PLACES = (
    Place("repr of a secret", lambda _: repr(token())),
    Place("str of a secret", lambda _: str(token())),
    Place("format of a secret", lambda _: f"{token()} {token()!s:>200} {token():x}"),
    Place("percent format", lambda _: "%s %r" % (token(), key())),  # noqa: UP031
    Place("repr of a list", lambda _: repr([token(), (key(),)])),
    Place("repr of a dictionary", lambda _: repr({"token": token(), token(): 1})),
    Place("pprint", lambda _: pprint.pformat({"key": key(), "token": [token()] * 30})),
    Place("repr of a key", lambda _: repr(key()) + str(key())),
    Place("what a key shows of itself", lambda _: key().shown + key().fingerprint),
    Place("a key as a dictionary", lambda _: repr(dataclasses.asdict(key()))),
    Place("a key replaced", lambda _: repr(dataclasses.replace(key(), name="b"))),
    Place("copies", lambda _: repr(copy.deepcopy(key())) + repr(copy.copy(token()))),
    Place("pickle", lambda _: failing(lambda: pickle.dumps(key()))),
    Place("pickle of a token", lambda _: failing(lambda: pickle.dumps(WebSocketsToken(token(), 900)))),
    Place("JSON", lambda _: failing(lambda: json.dumps({"token": token()}))),
    Place("msgspec", lambda _: failing(lambda: msgspec.json.encode(WebSocketsToken(token(), 900)))),
    Place("JSON by str", lambda _: json.dumps({"token": token(), "key": key()}, default=str)),
    Place("repr of a token's answer", lambda _: repr(WebSocketsToken(token(), 900))),
    Place("a step of the token's policy", lambda _: repr(an_auth().tick(0)) + repr(an_auth().fetched)),
    Place("the token's policy", lambda _: repr(vars(an_auth()))),
    Place("a traceback with local variables", with_locals),
    Place("a signature's error", lambda _: failing(lambda: sign("/0/private/X", "1", "nonce=1", f"{PRIVATE}*"))),
    Place("a signature", lambda _: sign("/0/private/X", "1", "nonce=1", PRIVATE)),
    Place("a key that cannot be one", lambda _: failing(lambda: make_key("x", f"{PUBLIC} ü", PRIVATE, FILE))),
    Place("a private key that cannot be one", lambda _: failing(lambda: make_key("x", PUBLIC, f"{PRIVATE}*", FILE))),
    Place("a key for a name", lambda folder: failing(lambda: KeyStore(folder / "k").get(PRIVATE))),
    Place("a log line", logged(f"key {PUBLIC} token {TOKEN}"), gate=True),
    Place("a log line of a frame", logged(f"sent {outgoing()}"), gate=True),
    Place("a log line of a frame in a frame", logged(json.dumps({"sent": json.dumps({"token": TOKEN})})), gate=True),
    Place("a log line that is cut in the token", logged("x" * 470 + TOKEN), gate=True),
    Place("a log line with a part", logged(f"… {PRIVATE[:40]} and {PRIVATE[-40:]}"), gate=True),
    Place("a log line of a URL", logged(f"https://x/?t={quote(TOKEN, safe='')}&k={quote(PUBLIC, safe='')}"), gate=True),
    Place("a log line of the decoded key", logged(f"{b64decode(PRIVATE)!r} {b64decode(PRIVATE).hex()}"), gate=True),
    Place("a log line of headers", logged(f"{{'Api-key': '{PUBLIC}', 'Api-sign': 'x'}}"), gate=True),
    Place("a crash report", crashed(lambda: RuntimeError(f"with {PRIVATE} and {TOKEN}")), gate=True),
    Place("a crash report's cause", crashed(chained), gate=True),
    Place("a crash report's note", crashed(noted), gate=True),
    Place("a crash report of a group", crashed(lambda: ExceptionGroup("g", [RuntimeError(TOKEN)])), gate=True),
    Place("a crash report of a frame", crashed(lambda: RuntimeError(outgoing())), gate=True),
    Place("a recording, sent", recorded("r.jsonl", outgoing()), gate=True),
    Place("a recording, packed", recorded("r.jsonl.gz", outgoing()), gate=True),
    Place("a recording, packed otherwise", recorded("r.jsonl.zst", outgoing()), gate=True),
    Place("a recording, echoed by v1", recorded("r.jsonl", V1_ECHO, "rx"), gate=True),
    Place("a recording, in a refusal", recorded("r.jsonl", json.dumps({"error": f"bad {TOKEN}"}), "rx"), gate=True),
    Place("a recording, not JSON", recorded("r.jsonl", f"<html>{PUBLIC} {TOKEN}</html>", "rx"), gate=True),
    Place("a recording, its own frames", recorded("r.jsonl", f'{{"x":"{TOKEN}"}}', "state"), gate=True),
    Place("the library's log", library_log, gate=True),
    Place("the log of asyncio", unawaited, gate=True),
    Place("standard error", complained, gate=True),
    Place("a refusal that echoes", lambda _: token() and repr(refusal(f"EGeneral:Bad token {TOKEN}")), gate=True),
    Place("a failed connection", lambda _: token() and repr(explain(OSError(f"bad {TOKEN}"), "wss://x/")), gate=True),
    Place(
        "a failed subscription",
        lambda _: token() and str(SubscriptionFailed("BTC/USD", clean_text(f"no {TOKEN}"))),
        gate=True,
    ),
    Place("a file name", lambda _: token() and safe_file_stem(TOKEN), gate=True),
    Place("a task", lambda _: str(token()) + asyncio.run(a_task()), gate=True),
    Place("a header that cannot be sent", bad_header, gate=True),
    Place("an answer that echoes", lambda folder: asked(folder, {"error": [f"EAPI:Invalid key {PUBLIC}"]}), gate=True),
    Place("an answer with the token", lambda folder: asked(folder, {"error": [], "result": {"token": TOKEN}})),
    Place("a page that echoes", lambda folder: asked(folder, f"<html>{PUBLIC}".encode())),
    Place("an answer that is no token", lambda folder: asked(folder, {"error": [], "result": {"token": [TOKEN]}})),
    Place("a keyring that fails", keyring_fails, gate=True),
    Place("keys add", ran("keys", "add", typed=f"{PUBLIC}\n{PRIVATE}\n")),
    Place("keys add, cut", ran("keys", "add", typed=f"{PUBLIC}\n{PRIVATE[:-3]}\n")),
    Place("keys add, on the command line", ran("keys", "add", PUBLIC, PRIVATE)),
    Place("keys add, as an option", ran("keys", "add", f"--secret={PRIVATE}")),
    Place("keys add, as a name", ran("keys", "add", "--key", PRIVATE)),
    Place("keys list", ran("keys", "list", env={"KRAKEN_API_KEY": PUBLIC, "KRAKEN_API_SECRET": PRIVATE})),
    Place(
        "keys check",
        ran("keys", "check", "--rest-url", "http://127.0.0.1:9",
            env={"KRAKEN_API_KEY": PUBLIC, "KRAKEN_API_SECRET": PRIVATE}),
    ),
    Place("a pair that is a key", ran("stream", TOKEN, "--seconds", "0.1", "--replay", "none"), gate=False),
)  # fmt: skip


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_x5_no_canary_comes_to_light(place: Place, tmp_path: Path) -> None:
    assert seen_in(place.show(tmp_path)) == []


@pytest.mark.parametrize("place", [each for each in PLACES if each.gate], ids=lambda place: place.name)
def test_the_canary_is_there_when_the_gates_are_open(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in (
        (text_gate, "redact"),
        (crash, "redact"),
        (secret_log, "redact"),
        (recording_format, "redact_frame"),
    ):
        monkeypatch.setattr(module, name, lambda text: text)
    assert seen_in(place.show(tmp_path)) != []


def test_there_are_fifty_places() -> None:
    assert len(PLACES) >= 50
    assert len({place.name for place in PLACES}) == len(PLACES)


def test_mistake_36_no_secret_is_in_a_log_or_an_error_even_one_this_process_has_never_seen(tmp_path: Path) -> None:
    strange = "U29tZWJvZHlFbHNlc1Rva2VuMTIzNDU2Nzg5MDEyMzQ"
    log = EventLog(tmp_path / "log")
    log.add(1, "info", f'sent {{"method":"subscribe","params":{{"channel":"executions","token":"{strange}"}}}}')
    log.add(1, "info", f"API-Sign: {strange}, API-Key: {strange}, token={strange}")
    log.close()
    assert strange not in repr(log.lines) + (tmp_path / "log").read_text()
    assert strange.encode() not in recording_format.frame_line(f'{{"token":"{strange}"}}'.encode(), 1, "tx")
    with pytest.raises(ConfigurationError):
        make_key("x", strange, strange + "*", FILE)


@pytest.mark.realtime
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="this system shows no processes as files")
def test_x12_neither_the_process_list_nor_a_child_gets_to_know_a_key(tmp_path: Path) -> None:
    folders = {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in ("CONFIG", "STATE", "DATA")}
    process = subprocess.Popen(
        [sys.executable, "-m", "kraken_tui", "keys", "add"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, env={**os.environ, **folders},
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(f"{PUBLIC}\n".encode())
    process.stdin.flush()
    shown = b"".join(Path(f"/proc/{process.pid}/{name}").read_bytes() for name in ("cmdline", "environ", "comm"))
    out, _ = process.communicate(f"{PRIVATE}\n".encode(), 60)
    assert process.returncode == 0
    assert seen_in(shown) == []
    assert seen_in(out) == []
    code = (
        "import os, subprocess; from kraken_tui.keys.store import choose; from kraken_tui.settings import Settings\n"
        "assert choose(Settings(), os.environ) is not None; subprocess.run(['env'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, timeout=60,
        env={**os.environ, **folders, "KRAKEN_API_KEY": PUBLIC, "KRAKEN_API_SECRET": PRIVATE},
    )  # fmt: skip
    assert b"PATH=" in done.stdout
    assert seen_in(done.stdout + done.stderr) == []
