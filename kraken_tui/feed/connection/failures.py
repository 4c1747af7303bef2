"""What went wrong with a connection, as one short clause a trader can act on; HTML and tracebacks never get here."""

from __future__ import annotations

import re
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from kraken_tui.text import clean_text

BANS = frozenset({403, 429})
"""HTTP statuses of a handshake that mean: do not dial for a while."""


def is_ban(http_status: int | None, cause: str) -> bool:
    """Whether a refused handshake means that nobody should dial for a while.

    Args:
        http_status: Status that refused it; None where it was not refused by one.
        cause: The clause of its `Failure`, which names the edge's own ban.
    """
    return http_status in BANS or (http_status is not None and _EDGE_BAN.search(cause) is not None)


_CLOSE_CODES = {
    1000: "done",
    1001: "going away",
    1002: "protocol error",
    1003: "unsupported data",
    1008: "policy",
    1009: "message too big",
    1011: "internal error",
    1012: "restarting",
    1013: "try again later",
}
_EDGE_BAN = re.compile(r"(?<![0-9A-Za-z])1015(?![0-9A-Za-z])")
"""As a separate word: inside a number or a hexadecimal id it means nothing."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a connection failed.

    Attributes:
        cause: One short clause.
        http_status: Status that refused the handshake, or None.
        retry_after_s: Seconds the server asked us to wait, or None.
        close_code: WebSocket close code, or None.
        slow: A quick retry cannot help.
    """

    cause: str
    http_status: int | None = None
    retry_after_s: float | None = None
    close_code: int | None = None
    slow: bool = False


def explain(error: BaseException, url: str, *, proxy: str = "", now: datetime | None = None) -> Failure | None:
    """Classify what dialling, reading or writing raised.

    Args:
        error: The exception.
        url: Address that was dialled.
        proxy: The proxy, safe to display; "" for none.
        now: Current time, for a Retry-After given as a date.

    Returns:
        The failure; None if the exception is a defect of this program rather than a network failure.
    """
    from websockets import exceptions

    parts = urlsplit(url)
    host = clean_text(parts.hostname or "the server", 100)
    via = f" (through the proxy {proxy})" if proxy else ""
    if isinstance(error, exceptions.ConnectionClosed):
        return _closed(error.rcvd.code if error.rcvd else None, error.rcvd.reason if error.rcvd else "", error)
    if isinstance(error, exceptions.InvalidStatus):
        return _status(error.response.status_code, error.response, host, now or datetime.now(UTC))
    if isinstance(error, exceptions.InvalidProxy):
        # Its text repeats the address with the password.
        return Failure(
            f"the proxy {proxy or 'of the environment'} cannot be used: {clean_text(error.msg, 100)}", slow=True
        )
    if isinstance(error, exceptions.ProxyError):
        return Failure(f"the proxy {proxy or 'from the environment'} failed: {clean_text(error, 80)}")
    if isinstance(error, exceptions.InvalidHandshake):
        if isinstance(error.__cause__, EOFError):
            return Failure(f"{host} closed the connection during the handshake{via}")
        return Failure(f"{host} is not a WebSocket server{via}", slow=True)
    if isinstance(error, exceptions.WebSocketException):
        return Failure(f"WebSocket failure: {clean_text(error, 100)}")
    if isinstance(error, OSError | EOFError):
        return _network(error, host, parts.port, via)
    if isinstance(error, ImportError) and proxy:
        return Failure(f"the proxy {proxy} needs a package that is not installed (python-socks)", slow=True)
    return None


def _network(error: BaseException, host: str, port: int | None, via: str) -> Failure:
    if isinstance(error, TimeoutError):
        return Failure(f"{host} did not answer in time{via}")
    if isinstance(error, ssl.SSLCertVerificationError):
        return Failure(f"the TLS certificate of {host} is not valid: {clean_text(error.verify_message, 80)}", slow=True)
    if isinstance(error, ssl.SSLError):
        return Failure(f"TLS with {host} failed: {clean_text(error.reason or 'unknown reason', 60)}", slow=True)
    if isinstance(error, socket.gaierror):
        return Failure(f"the name {host} was not found{via}")
    if isinstance(error, ConnectionRefusedError):
        return Failure(f"{host}{f':{port}' if port else ''} refused the connection{via}")
    if isinstance(error, ConnectionResetError | BrokenPipeError | EOFError):
        return Failure(f"{host} reset the connection{via}")
    reason = error.strerror if isinstance(error, OSError) else None
    return Failure(f"{host} cannot be reached: {clean_text(reason or error, 80)}{via}")


def _closed(code: int | None, reason: str, error: BaseException) -> Failure:
    if code is None:
        sent = getattr(error, "sent", None)
        if sent is not None and sent.code == 1009:
            return Failure("a message was too big, over 8 MiB", close_code=1009, slow=True)
        return Failure("the connection broke off", close_code=1006)
    meaning = clean_text(reason, 80) or _CLOSE_CODES.get(code, "")
    return Failure(f"closed by the server: {code}{f' {meaning}' if meaning else ''}", close_code=code)


def _status(status: int, response: object, host: str, now: datetime) -> Failure:
    if 300 <= status < 400:
        return Failure(f"{host} redirects elsewhere (HTTP {status}); redirect refused", http_status=status, slow=True)
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "unknown status"
    retry = _longest_wait(response, now)
    # Cloudflare says "error code: 1015" on the page of a ban, whatever the status; nothing else of it is shown.
    body = getattr(response, "body", None) or b""
    if status >= 400 and _EDGE_BAN.search(bytes(body)[:65536].decode("latin-1")):
        return Failure(f"{host} bans this address for now (HTTP {status}, edge error 1015)", status, retry)
    return Failure(f"{host} answered HTTP {status} {phrase}", status, retry, slow=status in (400, 404, 410))


def _longest_wait(response: object, now: datetime) -> float | None:
    """Seconds the response asks us to wait; a proxy may have added a Retry-After of its own."""
    headers = getattr(response, "headers", None)
    waits = [_retry_after(text, now) for text in (headers.get_all("Retry-After") if headers is not None else ())]
    return max((wait for wait in waits if wait is not None), default=None)


def _retry_after(text: str | None, now: datetime) -> float | None:
    """Seconds of a Retry-After header, which holds seconds or a date."""
    if text is None:
        return None
    if text.strip().isascii() and text.strip().isdigit() and len(text) < 10:
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
