"""Who is let in: Host, Origin and token."""

from __future__ import annotations

import pytest

from kraken_tui.errors import ConfigurationError
from kraken_tui.web.guard import Guard, is_loopback, public_address

HERE = Guard("127.0.0.1", 8000)
SIX = Guard("::1", 8000)
WIDE = Guard("0.0.0.0", 8000, token="x" * 20)
LAN = Guard("192.168.1.5", 80)
BEHIND = Guard("127.0.0.1", 8000, public="https://desk.example.org")


@pytest.mark.parametrize(
    ("guard", "host", "origin"),
    [
        (HERE, "127.0.0.1:8000", "http://127.0.0.1:8000"),
        (HERE, "localhost:8000", "http://localhost:8000"),
        (HERE, "LOCALHOST:8000", "http://LOCALHOST:8000"),
        (SIX, "[::1]:8000", "http://[::1]:8000"),
        (WIDE, "192.168.1.5:8000", "http://192.168.1.5:8000"),
        (WIDE, "127.0.0.1:8000", "http://127.0.0.1:8000"),
        (LAN, "192.168.1.5", "http://192.168.1.5"),
        (BEHIND, "desk.example.org", "https://desk.example.org"),
        (BEHIND, "127.0.0.1:8000", "https://desk.example.org"),
        (BEHIND, "127.0.0.1:8000", "http://127.0.0.1:8000"),
    ],
)
def test_our_own_page_is_let_in(guard: Guard, host: str, origin: str) -> None:
    assert guard.refusal(host, origin, needs_origin=True) == ""
    assert guard.refusal(host, None) == ""


@pytest.mark.parametrize(
    ("guard", "host", "origin"),
    [
        (HERE, "127.0.0.1:8000", "http://evil.example"),
        (HERE, "127.0.0.1:8000", "http://127.0.0.1:8001"),
        (HERE, "127.0.0.1:8000", "https://127.0.0.1:8000"),
        (HERE, "127.0.0.1:8000", "http://localhost:8000"),
        (HERE, "127.0.0.1:8000", "null"),
        (HERE, "127.0.0.1:8000", ""),
        (HERE, "127.0.0.1:8000", None),
        # A name that was turned to this address: the browser believes it speaks to the same server.
        (HERE, "evil.example:8000", "http://evil.example:8000"),
        (WIDE, "evil.example:8000", "http://evil.example:8000"),
        (WIDE, "127.0.0.1.evil.example:8000", "http://127.0.0.1.evil.example:8000"),
        (HERE, "127.0.0.1:8001", "http://127.0.0.1:8001"),
        (HERE, "127.0.0.1", "http://127.0.0.1"),
        (HERE, "", "http://"),
        (HERE, "[", "http://["),
        (HERE, "127.0.0.1:8000@evil.example", "http://127.0.0.1:8000@evil.example"),
        (LAN, "localhost", "http://localhost"),
        (BEHIND, "desk.example.org:8000", "http://desk.example.org:8000"),
        (BEHIND, "desk.example.org", "http://desk.example.org.evil"),
    ],
)
def test_anybody_else_is_not(guard: Guard, host: str, origin: str | None) -> None:
    refusal = guard.refusal(host, origin, needs_origin=True)
    assert refusal
    assert refusal.isprintable()


def test_a_token_is_asked_for_where_there_is_one() -> None:
    assert HERE.knows("")
    assert HERE.knows("anything")
    assert WIDE.knows("x" * 20)
    for wrong in ("", "x" * 19, "x" * 21, "X" * 20, "\udc80é"):
        assert not WIDE.knows(wrong)
    assert WIDE.url == f"http://0.0.0.0:8000/?token={'x' * 20}"
    assert "x" * 20 not in repr(WIDE)
    assert SIX.url == "http://[::1]:8000/"
    assert BEHIND.url == "https://desk.example.org/"


@pytest.mark.parametrize(
    "text",
    [
        "desk.example.org",
        "ftp://a.b",
        "https://a.b/x",
        "https://u:p@a.b",
        "https://",
        "https://a.b:0",
        "https://a.b:x",
        "https://ä.b",
    ],
)
def test_a_public_address_is_scheme_host_and_port(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a public address"):
        public_address(text)
    assert public_address("HTTPS://Desk.example.org/") == "https://desk.example.org"
    assert public_address("https://a.b:8443") == "https://a.b:8443"


def test_loopback_is_told_from_other_addresses() -> None:
    assert is_loopback("127.0.0.1")
    assert is_loopback("127.9.9.9")
    assert is_loopback("::1")
    assert not is_loopback("0.0.0.0")
    assert not is_loopback("::")
    assert not is_loopback("192.168.1.5")
