"""Addresses: what is taken, what is refused and in which words, and which proxy is taken for which host."""

from __future__ import annotations

import pytest

from kraken_tui.errors import ConfigurationError
from kraken_tui.settings.address import check_rest_url, check_url, listen_address, proxy_for, proxy_is_readable


def refusal(url: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        check_url(url)
    return str(caught.value)


def test_rest_addresses_follow_the_same_rule() -> None:
    assert check_rest_url("https://api.kraken.com/") == "https://api.kraken.com"
    assert check_rest_url("http://127.0.0.1:99") == "http://127.0.0.1:99"
    with pytest.raises(ConfigurationError, match="https://"):
        check_rest_url("http://api.kraken.com")
    with pytest.raises(ConfigurationError):
        check_rest_url("wss://api.kraken.com")


def test_an_address_has_at_most_a_thousand_characters() -> None:
    longest = "wss://ws.kraken.com/".ljust(1000, "a")
    assert check_url(longest) == longest
    shown = longest[:99] + "…"
    assert refusal(longest + "a") == f"the address {shown!r} is over 1000 characters long"


def test_a_password_further_out_than_what_is_shown_is_not_repeated() -> None:
    assert "secret" not in refusal("wss://" + "a" * 1500 + ":secret@ws.kraken.com/v2")


def test_an_address_without_a_scheme_is_shown_without_its_password() -> None:
    shown = refusal("joe:secret@ws.kraken.com/v2")
    assert shown == "the address 'ws.kraken.com/v2' must begin with wss:// (or ws:// on this computer)"
    assert refusal("ws.kraken.com/v2") == shown


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("wss://a b.example/", "holds spaces or control characters"),
        ("wss://a\x07b.example/", "holds spaces or control characters"),
        ("wss://a\\b.example/", "holds spaces or control characters"),
        ("wss://[::1/v2", "cannot be read"),
        ("ftp://ws.kraken.com/", "must begin with wss:// (or ws:// on this computer)"),
        ("wss://joe@ws.kraken.com/v2", "holds a user name or password"),
        ("wss://", "is incomplete"),
        ("wss://ws.kraken.com:0/v2", "is incomplete"),
        ("wss://ws.kraken.com/v2#top", "is incomplete"),
        ("wss://kräken.example/", "has letters beyond ASCII"),
        ("wss://2130706433/", "writes its host as a bare number"),
        ("wss://0x7f.0.0.1/", "writes its host as a bare number"),
        ("wss://0X7F.0.0.1/", "writes its host as a bare number"),
        ("wss://127.1/", "writes its host as a bare number"),
        ("wss://127.0.0.01/", "writes its host as a bare number"),
        ("wss://1.2.3.4.5/", "writes its host as a bare number"),
        ("wss://1.2.3.0x4/", "writes its host as a bare number"),
        ("ws://ws.kraken.com/v2", "is not encrypted"),
    ],
)
def test_each_fault_has_its_own_words(url: str, words: str) -> None:
    assert words in refusal(url)


@pytest.mark.parametrize(
    "url", ["wss://192.0.2.7/v2", "wss://192.0.2.7.:443/", "wss://1a.example/", "wss://7.example/"]
)
def test_a_host_that_is_a_plain_address_or_a_name_is_taken(url: str) -> None:
    assert check_url(url) == url


def test_a_port_alone_is_one_of_this_computer() -> None:
    assert listen_address("9464") == ("127.0.0.1", 9464)
    assert listen_address("localhost:9464") == ("127.0.0.1", 9464)
    assert listen_address("0.0.0.0:9464") == ("0.0.0.0", 9464)
    assert listen_address("[::1]:9464") == ("::1", 9464)
    assert listen_address("127.0.0.1:0") == ("127.0.0.1", 0)
    assert listen_address("127.0.0.1:65535") == ("127.0.0.1", 65_535)


@pytest.mark.parametrize(
    "text", ["127.0.0.1:65536", "127.0.0.1:009464", "127.0.0.1:-1", "127.0.0.1:", "::1:80", "[::1:80", "::1]:80",
             "[127.0.0.1]:80", "example.org:80", "127.0.0.1:９"],
)  # fmt: skip
def test_what_is_no_address_to_listen_on_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is not an address to listen on"):
        listen_address(text)


def test_of_a_long_text_sixty_characters_are_repeated() -> None:
    with pytest.raises(ConfigurationError) as caught:
        listen_address("x" * 61)
    assert str(caught.value).startswith(f"'{'x' * 59}…' is not")


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("https_proxy", "http_proxy", "socks_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


def test_a_proxy_is_taken_from_the_environment_but_never_for_loopback(proxy: pytest.MonkeyPatch) -> None:
    proxy.setenv("https_proxy", "http://joe:secret@proxy.example:3128/x?y")
    assert proxy_for("wss://ws.kraken.com/v2") == (
        "http://joe:secret@proxy.example:3128/x?y",
        "http://proxy.example:3128",
    )
    for loopback in ("ws://127.0.0.1:5/v2", "ws://[::1]:5/v2", "ws://localhost/v2"):
        assert proxy_for(loopback) == (None, "")
    proxy.setenv("no_proxy", "kraken.com")
    assert proxy_for("wss://ws.kraken.com/v2") == (None, "")


def test_without_a_proxy_there_is_neither_address_nor_text(proxy: pytest.MonkeyPatch) -> None:
    assert proxy_for("wss://ws.kraken.com/v2") == (None, "")


@pytest.mark.parametrize("name", ["https_proxy", "socks_proxy", "all_proxy"])
def test_each_kind_of_proxy_is_found(proxy: pytest.MonkeyPatch, name: str) -> None:
    proxy.setenv(name, "socks5://proxy.example:1080")
    assert proxy_for("wss://ws.kraken.com/v2") == ("socks5://proxy.example:1080", "socks5://proxy.example:1080")


def test_the_proxy_for_encrypted_addresses_comes_first(proxy: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "socks_proxy", "all_proxy"):
        proxy.setenv(name, f"http://{name.partition('_')[0]}.example:1")
    assert proxy_for("wss://ws.kraken.com/v2")[1] == "http://https.example:1"
    proxy.delenv("https_proxy")
    assert proxy_for("wss://ws.kraken.com/v2")[1] == "http://socks.example:1"


def test_of_a_proxy_that_cannot_be_read_nothing_is_shown(proxy: pytest.MonkeyPatch) -> None:
    proxy.setenv("https_proxy", "http://joe:pass/word@proxy.example:3128")
    assert proxy_for("wss://ws.kraken.com/v2") == ("http://joe:pass/word@proxy.example:3128", "of the environment")


def test_of_a_long_proxy_a_hundred_characters_are_shown(proxy: pytest.MonkeyPatch) -> None:
    address = "http://".ljust(100, "a")
    proxy.setenv("https_proxy", address)
    assert proxy_for("wss://ws.kraken.com/v2") == (address, address)
    proxy.setenv("https_proxy", address + "a")
    assert proxy_for("wss://ws.kraken.com/v2")[1] == address[:99] + "…"


@pytest.mark.parametrize(
    ("address", "readable"),
    [
        ("http://proxy.example:3128", True),
        ("http://joe:secret@proxy.example", True),
        ("proxy.example:3128", False),
        ("http://", False),
        ("http://proxy.example:port", False),
        ("http://joe:%ff@proxy.example", False),
        ("http://proxy.example/a@b", False),
        ("http://proxy.example?a@b", False),
        ("http://proxy.example#a@b", False),
    ],
)
def test_which_proxies_can_be_read(address: str, readable: bool) -> None:
    assert proxy_is_readable(address) is readable
