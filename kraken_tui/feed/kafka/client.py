"""What a publisher and a reader share of the Kafka client: that it is installed, its settings file, and its silence."""

from __future__ import annotations

import logging
from collections.abc import Collection
from pathlib import Path

from kraken_tui.errors import ConfigurationError
from kraken_tui.text import clean_text

_LONGEST = 256 * 1024

FIXED = frozenset(
    {
        "acks",
        "auto.offset.reset",
        "bootstrap.servers",
        "enable.auto.commit",
        "enable.idempotence",
        "group.id",
        "max.in.flight",
        "max.in.flight.requests.per.connection",
        "partitioner",
        "request.required.acks",
        "transactional.id",
    }
)
"""Settings that carry the order of a symbol or say where to read; a file may not change them."""


def need_client(what: str) -> None:
    """Check that the client is installed.

    Args:
        what: What needs it, for the sentence.

    Raises:
        ConfigurationError: It is not; says how to install it.
    """
    try:
        import confluent_kafka  # noqa: F401
    except ImportError:
        raise ConfigurationError(
            f"{what} needs the package confluent-kafka; install it with: pip install 'kraken-tui[kafka]'"
        ) from None


def read_settings(path: Path | None, fixed: Collection[str] = FIXED) -> dict[str, str]:
    """Read a file of client settings, one `key=value` a line, `#` for remarks, as Kafka's own tools take it.

    Values are never repeated in a message: they may be passwords.

    Raises:
        ConfigurationError: It cannot be read, or holds a setting that is not its to choose.
    """
    if path is None:
        return {}
    shown = clean_text(path)
    try:
        with path.open("rb") as file:
            text = file.read(_LONGEST + 1).decode("utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot read {shown}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{shown} is not UTF-8") from None
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        name, equals, value = (part.strip() for part in line.partition("="))
        if not equals or not name:
            raise ConfigurationError(f"{shown} line {number} is not of the form key=value")
        if name in fixed:
            raise ConfigurationError(f"{shown} line {number}: {clean_text(name, 60)} is not to be changed")
        found[name] = value
    return found


def silent_logger() -> logging.Logger:
    """A logger that says nothing: what the client logs would otherwise go to standard error, over a screen."""
    logger = logging.getLogger("kraken_tui.kafka")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger
