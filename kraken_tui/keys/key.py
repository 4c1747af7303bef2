"""One API key, which shows itself to nobody."""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import dataclass
from hashlib import sha256

from kraken_tui.errors import ConfigurationError
from kraken_tui.secret import Secret
from kraken_tui.settings.readers import KeyName, WrongValue

ENVIRONMENT, FILE, KEYRING, PLAY = "environment", "file", "keyring", "play money"
"""Where a key comes from."""

_PUBLIC = re.compile(r"[A-Za-z0-9+/=_-]{16,200}", re.ASCII)
_LEAST_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key of an account.

    Attributes:
        name: What the user calls it.
        public: The key itself, sent with every request; not enough to sign one, but nobody else's business.
        private: What requests are signed with, base64.
        source: `ENVIRONMENT`, `FILE`, `KEYRING` or `PLAY`.
    """

    name: str
    public: Secret
    private: Secret
    source: str = FILE

    @property
    def shown(self) -> str:
        """The first four characters, by which its owner tells it from others."""
        return f"{self.public.reveal()[:4]}…"

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that tell keys apart and do not lead back to them."""
        return sha256(self.public.reveal().encode()).hexdigest()[:16]


def make_key(name: str, public: str, private: str, source: str) -> ApiKey:
    """Check the two texts of a key and make it.

    Args:
        name: What the user calls it.
        public: The key; blanks around it, as pasting leaves them, are dropped.
        private: The private key, likewise.
        source: Where it is from.

    Raises:
        ConfigurationError: They cannot be a key; nothing of them is repeated.
    """
    # Made secrets first: whatever happens next, neither is shown.
    hidden, signer = Secret(public.strip()), Secret(private.strip())
    if not hidden or not signer:
        raise ConfigurationError(f"the {'key' if not hidden else 'private key'} is empty; Kraken shows both once, when"
                                 " the key is made")  # fmt: skip
    if not _PUBLIC.fullmatch(hidden.reveal()):
        raise ConfigurationError(
            "the API key is not one of Kraken's: letters, digits, + and / only; copy it as a whole"
        )
    try:
        decoded = b64decode(signer.reveal(), validate=True)
    except ValueError:
        raise ConfigurationError("the private key is not base64; it was perhaps cut when it was copied") from None
    if len(decoded) < _LEAST_SECRET_BYTES or hidden == signer:
        raise ConfigurationError("the private key is too short; it is the longer of the two that Kraken shows")
    if len(hidden.reveal()) > len(signer.reveal()):
        # Not sent anywhere to find out: the key itself leaves the computer, the private key must not.
        raise ConfigurationError(
            "the two are perhaps swapped: the private key is the longer of the two that Kraken shows, and comes second"
        )
    return ApiKey(name, hidden, signer, source)


def check_name(name: str) -> str:
    """Check the name of a key.

    Raises:
        ConfigurationError: It cannot be one; it is not repeated, since it may be a key pasted in the wrong place.
    """
    try:
        KeyName()(name or " ")
    except WrongValue as wrong:
        raise ConfigurationError(f"--key {wrong}") from None
    return name
