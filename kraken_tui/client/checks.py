"""What a `KrakenClient` was told, checked. The settings' bounds are those of `settings.options`, asked only here."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kraken_tui.client.gaps import GapPolicy
from kraken_tui.engine.backpressure import Backpressure, DropPolicy, adjusted, preset
from kraken_tui.errors import ConfigurationError
from kraken_tui.feed.channels import CHANNELS, pair_channels
from kraken_tui.feed.kafka.client import need_client
from kraken_tui.feed.names import Wish
from kraken_tui.market.events import Side
from kraken_tui.settings import Settings
from kraken_tui.settings.options import check_value, check_values
from kraken_tui.text import clean_text
from kraken_tui.wire.checksum import CHECKSUM_LEVELS
from kraken_tui.wire.digits import from_units
from kraken_tui.wire.symbols import PairSpec

if TYPE_CHECKING:
    from kraken_tui.keys.key import ApiKey

REPLAY_QUEUE = 1_000_000
"""Queue of a listener to a recording, unless a preset or number says otherwise: a recording need not lose any."""

MOST_ROWS = 10_000
"""Rows of an aggregated book that can be asked for."""

_MOST_DIGITS = 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def settings(**arguments: object) -> Settings:
    """Settings made of arguments of the client's constructor.

    Raises:
        ConfigurationError: One cannot work; the text names the argument and what it takes.
    """
    found = check_values(**arguments)
    if found.kafka:
        need_client("kafka")
    elif found.at:
        raise ConfigurationError("at goes with kafka: it says from when on Kafka is read")
    return found


def key(found: Settings) -> ApiKey | None:
    """The key for what is to be followed; the program's environment stays as it is, for its next client.

    Raises:
        ConfigurationError: It cannot be followed, or there is no key.
    """
    if not (found.level3 or found.account):
        return None
    from kraken_tui.keys.following import needed_key

    return needed_key(found, dict(os.environ))


def pair_names(*names: object) -> tuple[str, ...]:
    """Names of pairs as a program writes them: texts, or iterables of them.

    Raises:
        ConfigurationError: One is not a text, is empty or too long, or they are too many.
    """
    found = tuple(name for group in names for name in check_value("pairs", group))
    checked: tuple[str, ...] = check_value("pairs", found)
    return checked


def pair_name(name: object) -> None:
    """Check what is to be the name of one pair.

    Raises:
        ConfigurationError: It is not a text, or an empty one.
    """
    if not isinstance(name, str) or not name.strip():
        raise ConfigurationError(f"a pair is named by a text such as BTC/USD, not {clean_text(repr(name), 60)}")


def timeout(call: str, value: object) -> None:
    """Check a longest wait in seconds; less than none is none.

    Raises:
        ConfigurationError: It is not a number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or isnan(value):
        raise ConfigurationError(f"{call} takes a timeout in seconds, not {clean_text(repr(value), 60)}")


def speed(value: object) -> float:
    """A replay speed.

    Raises:
        ConfigurationError: It is not a number, or out of its range.
    """
    checked: float = check_value("speed", value)
    return checked


def wish(depth: int | None, interval: int | None, large_order: float | None) -> Wish:
    """What is wanted of single pairs; None for what is wanted of all.

    Raises:
        ConfigurationError: A number is out of its range.
    """
    given = {"depth": depth, "interval": interval, "large_order": large_order}
    return Wish(**{name: check_value(name, value) for name, value in given.items() if value is not None})


def recording_path(value: str | os.PathLike[str] | None) -> Path | None:
    """The file of a recording; None for none.

    Raises:
        ConfigurationError: It cannot be a file name.
    """
    checked: Path | None = check_value("record", value)
    return checked


def levels(value: Any, depth: int) -> int:
    """Levels a side of book events.

    Raises:
        ConfigurationError: Fewer than the checksum needs, or more than the depth.
    """
    if type(value) is not int or not CHECKSUM_LEVELS <= value <= depth:
        raise ConfigurationError(
            f"levels takes {CHECKSUM_LEVELS} to the depth, {depth}: fewer could not be proven again"
        )
    return value


def channel_names(names: object) -> tuple[str, ...]:
    """Channels; the book is always among them.

    Raises:
        ConfigurationError: There is no such channel.
    """
    given = (names,) if isinstance(names, str) else tuple(names) if isinstance(names, Iterable) else (names,)
    offered = pair_channels()
    if any(name not in offered for name in given):
        raise ConfigurationError(f"channels takes some of {', '.join(offered)}")
    return tuple(name for name in offered if CHANNELS[name].always or name in given)


def gap_policy(name: object) -> GapPolicy:
    """A gap policy by its name.

    Raises:
        ConfigurationError: There is no such policy.
    """
    try:
        return GapPolicy(str(name).lower())
    except ValueError:
        raise ConfigurationError(f"gap_policy takes {', '.join(GapPolicy)}") from None


def backpressure(
    chosen: str | int | None,
    *,
    replay: bool,
    queue: int | None,
    policy: DropPolicy | str | None,
    coalesce_ms: float | None,
    rate: float | None,
) -> Backpressure:
    """The preset with the numbers that were given.

    Raises:
        ConfigurationError: There is no such preset or policy, or a number is out of its range.
    """
    base = preset("single" if chosen is None else chosen)
    if replay and chosen is None and queue is None:
        queue = REPLAY_QUEUE
    return adjusted(base, queue=queue, policy=policy, coalesce_ms=coalesce_ms, rate=rate)


def units(call: str, value: object, unit: str) -> int:
    """A whole number of ticks or lots.

    Raises:
        ConfigurationError: It is not an int.
    """
    if type(value) is not int:
        raise ConfigurationError(f"{call} takes a whole number of {unit} (int), not {type(value).__name__}")
    return value


def level_count(call: str, value: object, reach: int) -> int:
    """Levels a side of a figure; None is all that are held.

    Raises:
        ConfigurationError: Fewer than one, or more than can be held: nobody knows what rests there.
    """
    if value is None:
        return reach
    if type(value) is not int or not 1 <= value <= reach:
        raise ConfigurationError(
            f"{call} takes levels from 1 to {reach}, as many as are held; subscribe with a greater depth for more"
        )
    return value


def row_count(call: str, value: object) -> int:
    """Rows of an aggregated book.

    Raises:
        ConfigurationError: Fewer than one, or more than anybody reads.
    """
    if type(value) is not int or not 1 <= value <= MOST_ROWS:
        raise ConfigurationError(f"{call} takes 1 to {MOST_ROWS:,} rows")
    return value


def price_step(call: str, value: object, spec: PairSpec) -> int:
    """A price step in ticks; None for the pair's smallest.

    Raises:
        ConfigurationError: Not an exact number, or no multiple of the pair's increment.
    """
    increment = spec.increment
    if value is None:
        return increment
    step = Decimal(from_units(increment, spec.price_precision))
    found = _exact_number(call, "a step", value)
    ticks = _units(found, spec.price_precision)
    if ticks is None or ticks < 1 or ticks % increment:
        raise ConfigurationError(f"{call} takes a step that is a multiple of {step:f}, not {_shown(found)}")
    return ticks


def amount(call: str, name: str, value: object, precision: int) -> int:
    """A quantity or a notional in whole units of 10^-precision.

    Raises:
        ConfigurationError: Not an exact number, not more than zero, or finer than the precision.
    """
    found = _exact_number(call, f"a {name}", value)
    units = _units(found, precision)
    if units is None or units < 1:
        raise ConfigurationError(
            f"{call} takes a {name} of more than 0 with at most {precision} decimals, not {_shown(found)}"
        )
    return units


def percent(call: str, value: object) -> Decimal:
    """A fee in percent.

    Raises:
        ConfigurationError: Not an exact number from 0 to 100.
    """
    found = _exact_number(call, "a fee_pct", value)
    if not 0 <= found <= 100:
        raise ConfigurationError(f"{call} takes a fee_pct from 0 to 100, not {_shown(found)}")
    return found


def side(call: str, value: object) -> Side:
    """A side, as `Side` or its text.

    Raises:
        ConfigurationError: It is neither "buy" nor "sell".
    """
    try:
        return Side(str(value).lower())
    except ValueError:
        raise ConfigurationError(f'{call} takes a side, "buy" or "sell"') from None


def moment(call: str, value: object) -> int:
    """A moment in ns since the epoch, given as such or as a `datetime` with a time zone.

    Raises:
        ConfigurationError: It is neither.
    """
    if type(value) is int:
        return value
    if isinstance(value, datetime) and value.tzinfo is not None:
        return (value - _EPOCH) // timedelta(microseconds=1) * 1000
    raise ConfigurationError(f"{call} takes a moment in ns since the epoch (int), or a datetime with a time zone")


def _exact_number(call: str, what: str, value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        raise ConfigurationError(f"{call} takes {what} as Decimal, int or text, not {type(value).__name__}")
    try:
        found = Decimal(value)
    except ArithmeticError:
        found = Decimal("NaN")
    if not found.is_finite() or abs(found.adjusted()) > _MOST_DIGITS or len(found.as_tuple().digits) > _MOST_DIGITS:
        raise ConfigurationError(f"{call} takes {what} that is a plain number")
    return found


def _units(value: Decimal, precision: int) -> int | None:
    """Whole units of 10^-precision, whatever the program's decimal context; None where it is finer, or negative."""
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    whole, shift = int("".join(map(str, digits))), exponent + precision
    if sign and whole:
        return None
    if shift >= 0:
        return int(whole * 10**shift)
    units, rest = divmod(whole, 10**-shift)
    return None if rest else int(units)


def _shown(value: Decimal) -> str:
    return clean_text(f"{value:f}", 40)


def trading(settings: Settings) -> None:
    """Refuse settings under which no orders can be placed though they are asked for.

    Raises:
        ConfigurationError: They exclude each other, or something is missing.
    """
    if not (settings.trade or settings.paper):
        return
    from kraken_tui.keys.following import with_trading

    if not with_trading(settings).account == settings.account:
        raise ConfigurationError("trade places orders of the account; open the client with account=True as well")
