"""How the value of an option is read, from text, from TOML and from a program, and which values it takes.

A reader knows one type and has three methods, one for each way a value arrives. A rule says which values of that type
are allowed. Both raise `WrongValue`, whose message is a predicate ("takes a whole number"): the caller knows where the
value came from, and prefixes it.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from kraken_tui.files import file_path
from kraken_tui.settings import Rotation
from kraken_tui.text import clean_text

if TYPE_CHECKING:
    from pathlib import Path

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{1,18})?", re.ASCII)
_SIZE_OR_TIME = re.compile(r"([0-9]{1,6})(mb|gb|m|h|d)", re.ASCII)
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
LIKE = 0.7
"""How like a name must be to be suggested: a slip of one or two letters ("drak", "colorblind"), not another word."""

_MAX_NAME = 40
"""Longest name of a pair, in characters."""


class WrongValue(Exception):
    """A value cannot be taken; the message is a predicate such as "takes a whole number".

    Attributes:
        detail: A sentence that repeats the value, for sources whose values may be repeated; or "".
    """

    def __init__(self, predicate: str, detail: str = "") -> None:
        super().__init__(predicate)
        self.detail = detail


Rule = Callable[[Any], None]
"""Raises `WrongValue` for a value that is not allowed; `str(rule)` names the allowed ones for a help text."""


class Reader(Protocol):
    """Reads one type. Every method raises `WrongValue`."""

    def text(self, text: str) -> Any:
        """From the command line or the environment."""
        ...

    def toml(self, value: Any) -> Any:
        """From a TOML file."""
        ...

    def value(self, value: Any) -> Any:
        """From a program."""
        ...


# -- readers ------------------------------------------------------------------------------------------------------


class Whole:
    """An int."""

    def text(self, text: str) -> int:
        """See `Reader`."""
        if not _INTEGER.fullmatch(text):
            raise WrongValue("takes a whole number")
        return int(text)

    def toml(self, value: Any) -> int:
        """See `Reader`."""
        # bool is an int to Python, but not to TOML.
        if type(value) is not int:
            raise WrongValue("takes a whole number")
        return value

    value = toml


class Number:
    """A float; ints are taken."""

    def text(self, text: str) -> float:
        """See `Reader`."""
        if not _DECIMAL.fullmatch(text):
            raise WrongValue("takes a plain number")
        return float(text)

    def toml(self, value: Any) -> float:
        """See `Reader`."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise WrongValue("takes a number")
        try:
            return float(value)
        except OverflowError:
            return math.inf

    value = toml


class Numbers:
    """Several floats."""

    def text(self, text: str) -> tuple[float, ...]:
        """See `Reader`; commas separate."""
        return tuple(Number().text(part.strip()) for part in text.split(","))

    def toml(self, value: Any) -> tuple[float, ...]:
        """See `Reader`."""
        if type(value) is not list:
            raise WrongValue("takes a list of numbers")
        return tuple(Number().toml(item) for item in value)

    def value(self, value: Any) -> tuple[float, ...]:
        """See `Reader`."""
        if isinstance(value, str) or not isinstance(value, Iterable):
            raise WrongValue("takes a list of numbers")
        return self.toml([*value])


class Switch:
    """A bool."""

    def text(self, text: str) -> bool:
        """See `Reader`."""
        lower = text.lower()
        if lower not in _TRUE | _FALSE:
            raise WrongValue("takes yes or no")
        return lower in _TRUE

    def toml(self, value: Any) -> bool:
        """See `Reader`."""
        if type(value) is not bool:
            raise WrongValue("takes true or false")
        return value

    def value(self, value: Any) -> bool:
        """See `Reader`; takes anything that is true or false, as Python does."""
        return bool(value)


class Text:
    """A str."""

    def text(self, text: str) -> str:
        """See `Reader`."""
        return text

    def toml(self, value: Any) -> str:
        """See `Reader`."""
        if type(value) is not str:
            raise WrongValue("takes text in quotes")
        return value

    def value(self, value: Any) -> str:
        """See `Reader`."""
        if not isinstance(value, str):
            raise WrongValue("takes text")
        return value


class FileName:
    """A path; `~` is a home folder."""

    def text(self, text: str) -> Path:
        """See `Reader`."""
        try:
            return file_path(text)
        except ValueError as error:
            raise WrongValue(str(error)) from None

    def toml(self, value: Any) -> Path:
        """See `Reader`."""
        if type(value) is not str:
            raise WrongValue("takes a file name in quotes")
        return self.text(value)

    def value(self, value: Any) -> Path | None:
        """See `Reader`; None means no file."""
        if value is None:
            return None
        name = os.fspath(value) if isinstance(value, str | os.PathLike) else None
        if not isinstance(name, str):
            raise WrongValue("takes a file name")
        return self.text(name)


class SizeOrTime:
    """When to begin another file: a size such as 100MB, or a time such as 1h."""

    _UNITS: ClassVar[Mapping[str, tuple[int, int]]] = {
        "mb": (10**6, 0), "gb": (10**9, 0), "m": (0, 60), "h": (0, 3600), "d": (0, 86_400)
    }  # fmt: skip

    def text(self, text: str) -> Rotation:
        """See `Reader`."""
        found = _SIZE_OR_TIME.fullmatch(text.strip().lower())
        if found is None or not int(found[1]):
            raise WrongValue("takes a size or a time: 100MB, 2GB, 30m, 1h, 7d")
        size, seconds = self._UNITS[found[2]]
        return Rotation(size * int(found[1]), seconds * int(found[1]))

    def toml(self, value: Any) -> Rotation:
        """See `Reader`."""
        if type(value) is not str:
            raise WrongValue('takes a size or a time in quotes, such as "100MB" or "1h"')
        return self.text(value)

    def value(self, value: Any) -> Rotation | None:
        """See `Reader`; None is never."""
        return None if value is None else self.toml(value)


class PairList:
    """Names of pairs, in any spelling; each counts once."""

    def text(self, text: str) -> tuple[str, ...]:
        """See `Reader`; commas separate."""
        return _unique(part for part in text.split(",") if part.strip())

    def toml(self, value: Any) -> tuple[str, ...]:
        """See `Reader`."""
        if type(value) is not list or not all(type(item) is str for item in value):
            raise WrongValue('takes a list of pairs, such as ["BTC/USD", "ETH/USD"]')
        return _unique(value)

    def value(self, value: Any) -> tuple[str, ...]:
        """See `Reader`; one name may stand alone."""
        names = (value,) if isinstance(value, str) else value
        if not isinstance(names, Iterable):
            raise WrongValue("takes names such as BTC/USD")
        found = tuple(names)
        for name in found:
            if not isinstance(name, str) or not is_pair_name(name.strip()):
                raise WrongValue(f"takes names such as BTC/USD, not {clean_text(repr(name), 60)}")
        return _unique(found)


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in names))


def is_pair_name(name: str) -> bool:
    """Whether a text can be the name of a pair."""
    return 0 < len(name) <= _MAX_NAME and name.isprintable()


# -- rules --------------------------------------------------------------------------------------------------------


class Anything:
    """Every value of the type is allowed."""

    def __call__(self, value: Any) -> None:
        """See `Rule`."""

    def __str__(self) -> str:
        return ""


class OneOf:
    """One of a few values.

    Args:
        allowed: The values.
        near: Suggest the nearest of them.
        auto: 0 is allowed too, and chooses by itself.
    """

    def __init__(self, allowed: Sequence[Any], *, near: bool = False, auto: bool = False) -> None:
        self.allowed = allowed
        self._near = near
        self._auto = auto

    def __call__(self, value: Any) -> None:
        """See `Rule`."""
        if value in self.allowed or (self._auto and value == 0):
            return
        names = ", ".join(map(str, self.allowed)) + (" or 0 for automatic" if self._auto else "")
        raise WrongValue(f"takes one of {names}" + (nearest(value, self.allowed) if self._near else ""))

    def __str__(self) -> str:
        *most, last = map(str, self.allowed)
        return f"{', '.join(most)} or {last}"


class Between:
    """Numbers from `low` to `high`, both included.

    Args:
        low: Smallest.
        high: Largest.
    """

    def __init__(self, low: float, high: float) -> None:
        self.low = low
        self.high = high

    def __call__(self, value: Any) -> None:
        """See `Rule`."""
        # Neither nan nor an integer that no float can hold lies between.
        if not self.low <= value <= self.high:
            raise WrongValue(f"takes {self}")

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}"


class Ascending:
    """So many numbers above zero, each larger than the one before.

    Args:
        count: How many.
        high: The largest allowed.
    """

    def __init__(self, count: int, high: float) -> None:
        self.count = count
        self.high = high

    def __call__(self, value: tuple[float, ...]) -> None:
        """See `Rule`."""
        rising = all(lower < upper for lower, upper in zip((0.0, *value), value, strict=False))
        if len(value) != self.count or not rising or not value[-1] <= self.high:
            raise WrongValue(f"takes {self}")

    def __str__(self) -> str:
        return f"{self.count} ascending numbers, above 0 and up to {self.high:g}"


class PairCount:
    """So many pairs, each under a name that can be one.

    Args:
        low: Fewest pairs.
        high: Most pairs.
    """

    def __init__(self, low: int, high: int) -> None:
        self.low = low
        self.high = high

    def __call__(self, value: tuple[str, ...]) -> None:
        """See `Rule`."""
        if not self.low <= len(value) <= self.high:
            raise WrongValue(f"takes {self}")
        if not all(map(is_pair_name, value)):
            if self.high == 1:
                raise WrongValue(f"takes a pair name such as BTC/USD, at most {_MAX_NAME} characters")
            raise WrongValue(f"takes pair names such as BTC/USD, at most {_MAX_NAME} characters each")

    def __str__(self) -> str:
        return f"{self.low} to {self.high:,} pairs"


class WebSocketAddress:
    """An address that `address.check_url` accepts.

    Args:
        empty: Whether "", for the usual one, is allowed too.
    """

    def __init__(self, *, empty: bool = False) -> None:
        self._empty = empty

    def __call__(self, value: str) -> None:
        """See `Rule`."""
        from kraken_tui.settings.address import check_url

        if value or not self._empty:
            _checked(check_url, value, f"takes {self}")

    def __str__(self) -> str:
        return "a wss:// address, or ws:// on this computer only"


class RestAddress:
    """An address that `address.check_rest_url` accepts."""

    def __call__(self, value: str) -> None:
        """See `Rule`."""
        from kraken_tui.settings.address import check_rest_url

        _checked(check_rest_url, value, f"takes {self}")

    def __str__(self) -> str:
        return "an https:// address, or http:// on this computer only"


class ListenAddress:
    """An address that `address.listen_address` accepts, or "" for none.

    Args:
        example: Port of the address that help and refusals give as an example.
    """

    def __init__(self, example: int = 9464) -> None:
        self._example = example

    def __call__(self, value: str) -> None:
        """See `Rule`."""
        from functools import partial

        from kraken_tui.settings.address import listen_address

        if value:
            _checked(partial(listen_address, example=self._example), value, f"takes {self}")

    def __str__(self) -> str:
        return f"HOST:PORT such as 127.0.0.1:{self._example}"


class KafkaBrokers:
    """Brokers as host:port, with commas between them; "" for none."""

    def __call__(self, value: str) -> None:
        """See `Rule`."""
        parts = value.split(",") if value else []
        if len(value) > 1000 or not all(map(_is_broker, parts)):
            raise WrongValue(f"takes {self}")

    def __str__(self) -> str:
        return "brokers as host:port, such as 127.0.0.1:9092; commas separate them"


_BROKER = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):([0-9]{1,5})", re.ASCII)


def _is_broker(text: str) -> bool:
    found = _BROKER.fullmatch(text)
    return found is not None and 0 < int(found[1]) < 65_536


class TopicPrefix:
    """What names of topics may begin with."""

    _ALLOWED = re.compile(r"[A-Za-z0-9._-]{1,200}", re.ASCII)

    def __call__(self, value: str) -> None:
        """See `Rule`."""
        if self._ALLOWED.fullmatch(value) is None or value in (".", ".."):
            raise WrongValue(f"takes {self}")

    def __str__(self) -> str:
        return "letters, digits, dot, underscore and hyphen, at most 200"


class KeyName:
    """What the name of a stored API key may be, "" for none; shorter than a key, which is not taken for a name."""

    _ALLOWED = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}", re.ASCII)

    def __call__(self, value: str) -> None:
        """See `Rule`."""
        if value and self._ALLOWED.fullmatch(value) is None:
            # Not repeated: it may be a key that was pasted in the wrong place.
            raise WrongValue(f"takes {self}")

    def __str__(self) -> str:
        return "the name of a key: up to 40 letters, digits, dots, - and _, such as view"


class StartTime:
    """A moment (`settings.moment`), or a time ago such as 90s, 20m, 2h or 3d; "" for none."""

    _AGO = re.compile(r"[0-9]{1,6}[smhd]", re.ASCII)
    _MINUTE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}Z?", re.ASCII)

    def __call__(self, value: str) -> None:
        """See `Rule`."""
        from kraken_tui.settings.moment import read_moment

        written = not value or self._AGO.fullmatch(value) or self._MINUTE.fullmatch(value)
        if not written and read_moment(value) is None:
            raise WrongValue(f"takes {self}")

    def __str__(self) -> str:
        return (
            "a time in UTC such as 14:03:10 or 2026-11-28T09:30:00Z, +90 (seconds from the start), or, of Kafka, a time"
            " ago such as 20m, 2h or 3d"
        )


def _checked(check: Callable[[str], object], value: str, predicate: str) -> None:
    try:
        check(value)
    except ValueError as error:
        raise WrongValue(predicate, clean_text(error)) from error


def nearest(name: str, known: Iterable[str], cutoff: float = LIKE) -> str:
    """ "; nearest: NAME" for the known name most like this one, or "" where none is like it.

    Args:
        name: What was written.
        known: Names that exist.
        cutoff: Least likeness, as `difflib` counts it.
    """
    from difflib import get_close_matches

    names = list(known)
    # The beginning of a single name is as good as that name.
    begun = [each for each in names if each.startswith(name)] if len(name.strip("-")) > 2 else []
    found = begun if len(begun) == 1 else get_close_matches(name, names, n=1, cutoff=cutoff)
    return f"; nearest: {found[0]}" if found else ""
