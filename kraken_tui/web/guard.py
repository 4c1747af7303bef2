"""Who may use a server: pure checks of the Host, Origin and token of a request.

Any page that a visitor's browser shows can send requests to this computer, and open WebSockets to it. A foreign
`Origin` gives away the second, and a foreign `Host` a name that was turned to this address afterwards.
"""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from kraken_tui.errors import ConfigurationError
from kraken_tui.settings.address import LOOPBACK
from kraken_tui.text import clean_text


@dataclass(frozen=True, slots=True)
class Guard:
    """The rules of one server.

    Attributes:
        host: IP address that is listened on.
        port: Port that is listened on.
        public: Address by which a proxy offers the server, such as https://desk.example.org; "" for none.
        token: What the address must carry; "" for nothing.
    """

    host: str
    port: int
    public: str = ""
    token: str = field(default="", repr=False)

    def refusal(self, host: str, origin: str | None, *, needs_origin: bool = False) -> str:
        """Why a request is refused by its headers; "" if it is not.

        Args:
            host: Its Host header.
            origin: Its Origin header, if any.
            needs_origin: Whether it must have one, as every browser sends it with a WebSocket.
        """
        place = host.strip().lower()
        if not self._is_ours(place):
            shown = clean_text(host, 60) or "without a name"
            return f"this server is not {shown}; open the address that kraken-tui serve names"
        if origin is None:
            return "a WebSocket without an Origin is not taken" if needs_origin else ""
        allowed = {f"http://{place}", self.public.lower()} if self.public else {f"http://{place}"}
        if origin.strip().lower() not in allowed:
            return f"pages of {clean_text(origin, 60)} may not use this server"
        return ""

    def _is_ours(self, place: str) -> bool:
        if self.public and place == urlsplit(self.public).netloc.lower():
            return True
        name, port = _split(place)
        if port != self.port:
            return False
        if name == self.host or (name in LOOPBACK and _is_local(self.host)):
            return True
        # A name can be turned to any address, an address cannot; where all are listened on, any of them may be asked.
        return is_unspecified(self.host) and _is_address(name)

    def knows(self, token: str) -> bool:
        """Whether a token is the right one."""
        return not self.token or hmac.compare_digest(token.encode("utf-8", "replace"), self.token.encode())

    @property
    def url(self) -> str:
        """What to open in a browser."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        base = self.public or f"http://{host}:{self.port}"
        return f"{base}/?token={self.token}" if self.token else f"{base}/"


def is_loopback(host: str) -> bool:
    """Whether an IP address is reached from this computer only."""
    return ipaddress.ip_address(host).is_loopback


def is_unspecified(host: str) -> bool:
    """Whether an IP address stands for all of this computer."""
    return ipaddress.ip_address(host).is_unspecified


def public_address(text: str) -> str:
    """Check the address by which a proxy offers the server.

    Returns:
        Scheme, host and port only.

    Raises:
        ConfigurationError: It is not one.
    """
    shown = clean_text(text, 60)
    try:
        parts = urlsplit(text)
        known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        known = None
    if not known or parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc or not text.isascii():
        raise ConfigurationError(f"{shown!r} is not a public address; write it as https://desk.example.org")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _split(place: str) -> tuple[str, int]:
    """Host without brackets, and port, 80 where none is written; -1 for one that cannot be read."""
    try:
        parts = urlsplit(f"//{place}")
        return parts.hostname or "", parts.port or 80
    except ValueError:
        return "", -1


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_local(host: str) -> bool:
    return is_loopback(host) or is_unspecified(host)
