import hmac
import re
from base64 import b64decode, b64encode
from hashlib import sha256

import pytest

from kraken_tui.wire.signing import MAX_NONCE, next_nonce, sign
from tests.reference.private_vectors import DIGEST, NONCES, PRIVATE_KEY, SIGNATURES, WRONG_SIGNATURES
from tests.reference.vectors import SIGNING

PARTS = (SIGNING["uri_path"], SIGNING["nonce"], SIGNING["post_data"])


def test_documented_example() -> None:
    assert sign(*PARTS, SIGNING["private_key"]) == SIGNING["api_sign"]


def test_everything_counts() -> None:
    for changed in range(3):
        altered = [part + "0" if index == changed else part for index, part in enumerate(PARTS)]
        assert sign(*altered, SIGNING["private_key"]) != SIGNING["api_sign"]


def test_bad_key_is_not_repeated() -> None:
    with pytest.raises(ValueError, match=re.escape("the private key is not base64")) as caught:
        sign("/0/private/Balance", "1", "nonce=1", "not*base64")
    assert "not*base64" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(("name", "path", "nonce", "body", "signature"), SIGNATURES)
def test_every_worked_signature(name: str, path: str, nonce: str, body: str, signature: str) -> None:
    assert sign(path, nonce, body, PRIVATE_KEY) == signature


def test_the_usual_mistakes_are_recognised_by_their_results() -> None:
    """Each wrong result is made by its mistake, and the right way makes none of them."""
    _, path, nonce, body, signature = SIGNATURES[0]
    inner = sha256((nonce + body).encode())
    key = b64decode(PRIVATE_KEY)

    def mac(secret: bytes, message: bytes) -> bytes:
        return hmac.digest(secret, message, "sha512")

    made = {
        "secret not base64-decoded": mac(PRIVATE_KEY.encode(), path.encode() + inner.digest()),
        "SHA-256 as hex text": mac(key, path.encode() + inner.hexdigest().encode()),
        "whole URL instead of the path": mac(key, f"https://api.kraken.com{path}".encode() + inner.digest()),
        "path without /0": mac(key, path.removeprefix("/0").encode() + inner.digest()),
        "nonce not prepended": mac(key, path.encode() + sha256(body.encode()).digest()),
    }
    assert inner.hexdigest() == DIGEST
    assert {mistake: b64encode(raw).decode() for mistake, raw in made.items()} | {
        "result as hex": mac(key, path.encode() + inner.digest()).hex()
    } == WRONG_SIGNATURES
    assert sign(path, nonce, body, PRIVATE_KEY) == signature
    assert signature not in WRONG_SIGNATURES.values()


@pytest.mark.parametrize(("case", "clock", "last", "expected"), NONCES)
def test_every_worked_nonce(case: str, clock: int, last: int, expected: int) -> None:
    assert next_nonce(clock, last) == expected


def test_nonces_end_with_64_bits() -> None:
    assert next_nonce(0, MAX_NONCE - 1) == MAX_NONCE
    with pytest.raises(ValueError, match="make a new one"):
        next_nonce(0, MAX_NONCE)


def test_a_key_with_anything_else_among_its_letters_is_refused() -> None:
    """Without a look at it, a key that was copied with a dash too many would sign wrongly."""
    for odd in ("*", "-", " "):
        with pytest.raises(ValueError, match="the private key is not base64"):
            sign("/0/private/Balance", "1", "nonce=1", PRIVATE_KEY[:8] + odd + PRIVATE_KEY[8:])
