"""Websocket tokens: passwords of 15 minutes that live on while a private subscription stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from kraken_tui.exchange.frames import NS
from kraken_tui.exchange.keys import ApiKey

EXPIRES_S = 900
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


@dataclass(slots=True)
class _Token:
    key: ApiKey
    issued_ns: int
    holders: set[int] = field(default_factory=set)


class Tokens:
    """Every token handed out.

    Args:
        rng: the source of chance.
    """

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._tokens: dict[str, _Token] = {}

    def issue(self, key: ApiKey, now_ns: int) -> str:
        """A new token for a key; `now_ns` in ns since the epoch."""
        token = "".join(self._rng.choices(_ALPHABET, k=43))
        self._tokens[token] = _Token(key, now_ns)
        return token

    def owner(self, token: str, now_ns: int) -> ApiKey | None:
        """The key behind a token; None when it is unknown or has lapsed."""
        known = self._tokens.get(token)
        if known is None:
            return None
        if not known.holders and now_ns - known.issued_ns >= EXPIRES_S * NS:
            del self._tokens[token]
            return None
        return known.key

    def hold(self, token: str, connection_id: int) -> None:
        """A private subscription stands on a connection: the token does not lapse."""
        self._tokens[token].holders.add(connection_id)

    def release(self, connection_id: int) -> None:
        """The last private subscription of a connection is gone."""
        for token in self._tokens.values():
            token.holders.discard(connection_id)

    def invalidate(self) -> None:
        """Forget every token, as an upgrade of the exchange does."""
        self._tokens.clear()
