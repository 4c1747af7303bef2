"""Signature and nonce of a private REST request (PROTOCOL.md section 10.2, ACCOUNT.md section 6)."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from hashlib import sha256


def sign(path: str, nonce: str, body: str, private_key_b64: str) -> str:
    """Compute the `API-Sign` header.

    Args:
        path: URI path from "/0/private/" on.
        nonce: The same text as in the body.
        body: The exact body sent, form or JSON.
        private_key_b64: The account's private key, base64.

    Returns:
        base64(HMAC-SHA512(key, path + SHA256(nonce + body))).

    Raises:
        ValueError: The key is not base64; the message does not contain it.
    """
    try:
        key = b64decode(private_key_b64, validate=True)
    except ValueError:
        raise ValueError("the private key is not base64") from None
    message = path.encode("utf-8") + sha256((nonce + body).encode("utf-8")).digest()
    return b64encode(hmac.digest(key, message, "sha512")).decode("ascii")


MAX_NONCE = 2**64 - 1
"""Nonces are unsigned 64-bit numbers."""


def next_nonce(clock_ns: int, last: int) -> int:
    """The nonce of the next request: the clock, or one more than the last where the clock is not beyond it.

    Args:
        clock_ns: Wall time. Nanoseconds: a key that has seen them takes no milliseconds any more.
        last: The greatest nonce this key has been used with; 0 for none.

    Raises:
        ValueError: No number is left; a new key must be made.
    """
    nonce = max(clock_ns, last + 1)
    if nonce > MAX_NONCE:
        raise ValueError("this key has used up its nonces; make a new one at Kraken")
    return nonce
