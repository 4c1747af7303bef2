"""Which addresses the program connects to, through which proxy (RELIABILITY.md X1 to X4), and where it listens."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from kraken_tui.errors import ConfigurationError
from kraken_tui.text import clean_text

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
"""The only hosts that may be spoken to without TLS."""

_LONGEST = 1000


def check_url(url: str) -> str:
    """Check a WebSocket address: wss anywhere, ws on loopback only.

    Returns:
        The address, unchanged.

    Raises:
        ConfigurationError: It is not such an address.
    """
    _check(url, secure="wss", plain="ws")
    return url


def check_rest_url(url: str) -> str:
    """Check a REST base address: https anywhere, http on loopback only.

    Returns:
        The address without a trailing slash.

    Raises:
        ConfigurationError: It is not such an address.
    """
    _check(url, secure="https", plain="http")
    return url.rstrip("/")


def listen_address(text: str, *, example: int = 9464) -> tuple[str, int]:
    """Read where to listen: "HOST:PORT", or a port alone, which is one of this computer only.

    Names are not looked up, which could take long; "localhost" is 127.0.0.1.

    Args:
        text: What was written.
        example: Port that a refusal gives as an example.

    Returns:
        (IP address without brackets, port); port 0 is any that is free.

    Raises:
        ConfigurationError: It is not such an address.
    """
    import ipaddress

    host, _, port = text.rpartition(":")
    if ":" not in text:
        host = "127.0.0.1"
    host = "127.0.0.1" if host == "localhost" else host
    bracketed = host.startswith("[") and host.endswith("]")
    try:
        number = int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else -1
        found = ipaddress.ip_address(host[1:-1] if bracketed else host)
    except ValueError:
        number = -1
    if not 0 <= number <= 65_535 or bracketed != (found.version == 6):
        shown = clean_text(text, 60)
        raise ConfigurationError(
            f"{shown!r} is not an address to listen on; write it as 127.0.0.1:{example} or [::1]:{example}"
        )
    return str(found), number


def _check(url: str, *, secure: str, plain: str) -> None:
    shown = repr(clean_text(_without_userinfo(url[: 2 * _LONGEST]), 100))
    if len(url) > _LONGEST:
        raise ConfigurationError(f"the address {shown} is over {_LONGEST} characters long")
    if any(character.isspace() or not character.isprintable() or character in "\\" for character in url):
        raise ConfigurationError(f"the address {shown} holds spaces or control characters; write it without them")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ConfigurationError(f"the address {shown} cannot be read; use {secure}://host/path") from None
    if parts.scheme not in (secure, plain):
        raise ConfigurationError(f"the address {shown} must begin with {secure}:// (or {plain}:// on this computer)")
    if "@" in parts.netloc:
        raise ConfigurationError(f"the address {shown} holds a user name or password; leave them out")
    if not host or port == 0 or parts.fragment:
        raise ConfigurationError(f"the address {shown} is incomplete; use {secure}://host/path")
    if not host.isascii():
        raise ConfigurationError(f"the address {shown} has letters beyond ASCII in its host; write it in its xn-- form")
    if host not in LOOPBACK and _number_like(host):
        raise ConfigurationError(f"the address {shown} writes its host as a bare number; use its name")
    if parts.scheme == plain and host not in LOOPBACK:
        raise ConfigurationError(
            f"the address {shown} is not encrypted; {plain}:// is for 127.0.0.1, ::1 and localhost only,"
            f" use {secure}:// elsewhere"
        )


def _number_like(host: str) -> bool:
    """Whether a host is an address in disguise, such as 2130706433, 0x7f.1 or 127.1."""
    labels = host.rstrip(".").split(".")
    numeric = all(label.isdigit() or label.lower().startswith("0x") for label in labels)
    return numeric and not (len(labels) == 4 and all(label.isdigit() and str(int(label)) == label for label in labels))


def _without_userinfo(url: str) -> str:
    """The address without user name and password, even if the password holds a slash."""
    head, separator, tail = url.partition("://")
    if not separator:
        return url.rpartition("@")[2]
    return f"{head}{separator}{tail.rpartition('@')[2]}"


def proxy_for(url: str) -> tuple[str | None, str]:
    """The proxy the environment names for an address.

    Returns:
        (proxy address or None, the same without credentials, fit for display). Loopback never takes a proxy.
    """
    # It brings an HTTP client with it, which only a connection is worth.
    from urllib.request import getproxies, proxy_bypass

    host = urlsplit(url).hostname or ""
    if host in LOOPBACK or proxy_bypass(host):
        return None, ""
    proxies = getproxies()
    proxy = proxies.get("https") or proxies.get("socks") or proxies.get("all")
    if not proxy:
        return None, ""
    if not proxy_is_readable(proxy):
        # Any part of it may be a password.
        return proxy, "of the environment"
    parts = urlsplit(proxy)
    return proxy, clean_text(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", 100)


def proxy_is_readable(proxy: str) -> bool:
    """Whether the address of a proxy has a host, a port that is a number, and credentials that can be decoded."""
    try:
        parts = urlsplit(proxy)
        _ = parts.port
        unquote(f"{parts.username}{parts.password}", errors="strict")
    except ValueError:
        return False
    # A password with a slash in it ends what is read as the host.
    return bool(parts.scheme and parts.hostname) and "@" not in parts.path + parts.query + parts.fragment
