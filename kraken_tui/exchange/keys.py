"""Keys to the accounts of the local exchange. They open play money here and nothing anywhere else."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from hashlib import sha256, sha512

DEMO_KEY = "DEMO+kraken+tui+play+money+only+opens+nothing+anywhere+0"
DEMO_SECRET = "a3Jha2VuLXR1aSBkZW1vIHNlY3JldDogcGxheSBtb25leSBvbmx5LCBvcGVucyBub3RoaW5nIGF0IGFsbCAuLg=="
"""The demo account's key and secret: the full rights of somebody who trades, and no right to move money."""

DEMO_OTP = "123456"
"""The one-time password of the key that wants one."""

VIEW = ("query-funds", "query-open-trades", "query-closed-trades", "create-ws-token")
TRADE = (*VIEW, "modify-trades", "close-trades")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key.

    Attributes:
        name: as its owner called it.
        key: public part.
        secret: private part, base64.
        permissions: as `GetApiKeyInfo` prints them.
        account: whose it is.
        otp: one-time password that each request must carry; empty for none.
        nonce_window: by how much a nonce may be behind the highest, in the nonce's own unit.
    """

    name: str
    key: str
    secret: str = field(repr=False)
    permissions: tuple[str, ...]
    account: str = "main"
    otp: str = field(default="", repr=False)
    nonce_window: int = 0


def _key(name: str, permissions: tuple[str, ...], *, account: str = "main", otp: str = "", window: int = 0) -> ApiKey:
    public = ("DEMO+" + name.replace("-", "+") + "+" + sha256(name.encode()).hexdigest())[:56]
    secret = b64encode(sha512(f"play money: {name}".encode()).digest()).decode()
    return ApiKey(name, public, secret, permissions, account, otp, window)


KEYS: dict[str, ApiKey] = {
    key.name: key
    for key in (
        ApiKey("demo", DEMO_KEY, DEMO_SECRET, TRADE),
        _key("view", VIEW),
        _key("level3", ("create-ws-token",)),
        _key("cancel", (*VIEW, "close-trades")),
        _key("no-token", ("query-funds", "query-open-trades", "query-closed-trades", "modify-trades", "close-trades")),
        _key("withdraw", (*TRADE, "withdraw-funds", "add-funds")),
        _key("two-factor", TRADE, otp=DEMO_OTP),
        _key("window", TRADE, window=10_000_000_000),
        _key("other", TRADE, account="other"),
    )
}
"""Keys by name: `demo` trades; the others are for tests of what a key may and may not."""
