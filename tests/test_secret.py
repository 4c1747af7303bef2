"""Secrets show themselves to nobody, and no text keeps one."""

from __future__ import annotations

import copy
import json
import pickle
import threading
import time
from base64 import b64decode, b64encode
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kraken_tui.secret import REDACTED, Secret, redact, redact_frame
from kraken_tui.text import clean_text

SECRETS = st.binary(min_size=33, max_size=64).map(lambda raw: b64encode(raw).decode())
WRITTEN = st.sampled_from((
    str,
    lambda text: quote(text, safe=""),
    lambda text: text.replace("/", "\\/"),
    lambda text: b64decode(text).hex(),
    lambda text: b64decode(text).hex().upper(),
    lambda text: repr(b64decode(text)),
    lambda text: text[: len(text) * 2 // 3],
    lambda text: text[len(text) // 3 :],
    lambda text: json.dumps({"x": text}),
))  # fmt: skip


def shared(text: str, secret: str, least: int = 24) -> bool:
    """Whether a text holds so long a part of a secret."""
    return any(secret[start : start + least] in text for start in range(len(secret) - least + 1))


@settings(max_examples=150)
@given(SECRETS, WRITTEN, st.text(max_size=40), st.text(max_size=40))
def test_no_way_of_writing_a_secret_is_left(secret: str, write: object, before: str, after: str) -> None:
    Secret(secret, lasting=False)
    written = write(secret)  # type: ignore[operator]
    text = redact(before + written + after)
    assert REDACTED in text
    assert not shared(text, written)


@settings(max_examples=100)
@given(st.text())
def test_a_text_without_secrets_is_the_same_object(text: str) -> None:
    if not any(name in text.lower() for name in ("token", "api", "secret", "otp", "password", "private")):
        assert redact(text) is text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('{"method":"x","params":{"token":"abc"}}', '{"method":"x","params":{"token":"[redacted]"}}'),
        ('{"token" : "a\\/b", "y": 1}', '{"token" : "[redacted]", "y": 1}'),
        ('"{\\"token\\":\\"abc\\",\\"z\\":1}"', '"{\\"token\\":\\"[redacted]\\",\\"z\\":1}"'),
        ("{'token': 'abc', 'b': 2}", "{'token': '[redacted]', 'b': 2}"),
        ('{"token":"cut in the mid', '{"token":"[redacted]'),
        ("Api-sign: dGVzdA==\r\nApi-key: Zm9v, x", "Api-sign: [redacted]\r\nApi-key: [redacted], x"),
        ("nonce=1&otp=123456&depth=10", "nonce=1&otp=[redacted]&depth=10"),
        ("KRAKEN_API_SECRET=zzz KRAKEN_API_KEY=yyy", "KRAKEN_API_SECRET=[redacted] KRAKEN_API_KEY=[redacted]"),
        ("Token(s) not found", "Token(s) not found"),
        ("no new token: refused by the exchange", "no new token: refused by the exchange"),
        ("token: WmZqQWJjZGVmZ2hpamtsbW5v", "token: [redacted]"),
        ("include_tokenized_assets: true", "include_tokenized_assets: true"),
    ],
)
def test_what_stands_behind_a_secrets_name_goes(text: str, left: str) -> None:
    assert redact(text) == left
    assert redact(left) == left


def test_a_frame_stays_json_and_a_public_one_the_same_object() -> None:
    frame = b'{"method":"subscribe","params":{"channel":"executions","token":"abc+/="},"req_id":1,"x":"\xc3\xa9"}'
    hidden = json.loads(redact_frame(frame))
    assert hidden == {
        "method": "subscribe", "params": {"channel": "executions", "token": REDACTED}, "req_id": 1, "x": "é",
    }  # fmt: skip
    public = b'{"channel":"book","type":"update","data":[]}'
    assert redact_frame(public) is public
    value = Secret("Wm9vS2VlcGVyMTIzNDU2Nzg5MDEyMzQ1Njc4OTA=").reveal()
    echoed = f'{{"channelName":"ownTrades","subscription":{{"name":"{value}"}}}}'.encode()
    assert value.encode() not in redact_frame(echoed)
    assert json.loads(redact_frame(echoed))


def test_a_secret_is_cut_out_before_the_text_is_cut() -> None:
    value = Secret("Q3V0QWNyb3NzVGhlTGltaXRPZlRleHQwMTIzNDU2Nzg5").reveal()
    for at in range(60):
        text = clean_text("x" * at + value + "y" * 50, 60)
        assert len(text) <= 60
        assert value[:12] not in text
        assert value[-12:] not in text


def test_a_long_text_takes_linear_time() -> None:
    value = Secret("TGluZWFyVGltZUlzQWxsV2VBc2tGb3JIZXJlMTIzNDU2").reveal()

    def took(text: str) -> float:
        begin = time.perf_counter()
        redact(text)
        return time.perf_counter() - begin

    for unit in (value, "token:" * 8, '"token":"', "api-key= ", "token" + " " * 8, "\\" * 8 + '"token'):
        short = min(took(unit * 1000) for _ in range(3))
        long = min(took(unit * 16_000) for _ in range(3))
        # Sixteen times as long; were it quadratic, it would take 256 times as much.
        assert long < 100 * short + 0.05, unit


def test_a_secret_shows_itself_only_when_asked() -> None:
    value = "U2hvdy1tZS10by1ub2JvZHk="
    secret = Secret(value)
    assert secret.reveal() == value
    shown = [repr(secret), str(secret), f"{secret}", f"{secret!r:>40}", f"{secret}", "%s %r" % (secret, secret)]  # noqa: UP031
    shown += [repr([secret]), repr({"token": secret}), str((secret,))]
    assert not [text for text in shown if value in text]
    assert not hasattr(secret, "__dict__")
    assert copy.deepcopy(secret) is secret
    assert copy.copy(secret) is secret
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError):
            pickle.dumps(secret, protocol)
    with pytest.raises(TypeError):
        json.dumps(secret)
    assert secret == Secret(value)
    assert secret != Secret("another")
    assert secret != value
    assert len({secret, Secret(value)}) == 1
    assert not Secret("")


def test_tokens_of_long_ago_are_forgotten_and_keys_are_not() -> None:
    key = Secret("S2V5c0FyZVJlbWVtYmVyZWRVbnRpbFRoZUVuZE9mSXQ=").reveal()
    first = "Rmlyc3RUb2tlbk9mTWFueVRoYXRDb21lQW5kR28wMDAw"
    Secret(first, lasting=False)
    for number in range(100):
        Secret(b64encode(f"token number {number:20}".encode()).decode(), lasting=False)
    assert redact(f"x {key}") == f"x {REDACTED}"
    assert redact(f"x {first}") == f"x {first}"


def test_threads_that_make_secrets_at_once_lose_none() -> None:
    values = [b64encode(f"a secret of one thread {number:20}".encode()).decode() for number in range(40)]
    threads = [threading.Thread(target=Secret, args=(value,)) for value in values]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert redact(" ".join(values)) == " ".join([REDACTED] * 40)
