"""Numbers, times and bars as single-cell text.

Every function here is pure. A price is shown with all its decimals. A quantity is shown exactly where it stands alone
and is short, else rounded to its first three digits, and never with fewer digits than it has before the point; one
that is shown in thousands or millions carries its own suffix. A column has one unit where that leaves its numbers at
least two digits; a number of which less would be left wears a smaller unit of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from math import isfinite

import msgspec

from kraken_tui.tui.draw.runs import Run, shorten
from kraken_tui.units import SECOND
from kraken_tui.words import fixed
from kraken_tui.words import signed as signed

_UNITS = ((0, ""), (3, "K"), (6, "M"), (9, "B"), (12, "T"))
# Whole parts grow in these steps (digits, cells with commas), so that a column does not shift at every digit.
_WHOLE_STEPS = ((3, 3), (5, 6), (6, 7), (7, 9))
_PARTIAL = " ▏▎▍▌▋▊▉"
_RIGHT_PARTIAL = ("", "▕", "▕", "▐", "▐", "▐", "▐", "█")


@lru_cache(maxsize=8192)
def price(ticks: int, precision: int, *, grouped: bool = True) -> str:
    """A price with all its decimals.

    Args:
        ticks: Price in 10^-precision; may be negative (a change).
        precision: Decimals.
        grouped: Whether thousands are separated by commas.
    """
    sign = "-" if ticks < 0 else ""
    whole, rest = divmod(abs(ticks), 10**precision) if precision > 0 else (abs(ticks), 0)
    head = f"{sign}{whole:,}" if grouped else f"{sign}{whole}"
    return f"{head}.{rest:0{precision}d}" if precision > 0 else head


@lru_cache(maxsize=1024)
def fine_price(ticks: float, precision: int, extra: int = 2) -> str:
    """A derived price (mid, microprice, average): `extra` decimals beyond the pair's, so it is never cut to a tick."""
    places = precision + extra
    return price(round(ticks * 10**extra), places)


def mid_price(mid2: int, precision: int) -> str:
    """The mid exactly: twice the mid in ticks always fits one more decimal."""
    return price(mid2 * 5, precision + 1)


def leading_zeros(text: str) -> int:
    """Cells of a price such as "0.000012345" before its first significant digit; 0 where they are too few to dim."""
    significant = text.lstrip(" 0.,")
    lead = len(text) - len(significant)
    return lead if len(text.lstrip(" ")) - len(significant) >= 5 else 0


@lru_cache(maxsize=8192)
def price_runs(ticks: int, precision: int, width: int, key: str, zeros: str) -> tuple[Run, ...]:
    """A price right-aligned in `width` cells, its leading zeros in the style key `zeros`."""
    text = price(ticks, precision).rjust(width)
    if len(text) > width:
        text = shorten(text, width)
    cut = leading_zeros(text)
    return ((text[:cut], zeros), (text[cut:], key)) if cut else ((text, key),)


class QuantityFormat(msgspec.Struct, frozen=True):
    """How one column writes quantities: same decimals and unit in every row, so that the points stand in line.

    Attributes:
        precision: Decimals of a lot.
        decimals: Decimals shown.
        unit: Power of ten the shown number is divided by: 0, 3 (K), 6 (M), 9 (B) or 12 (T).
        width: Cells of the column.
        each: Whether every number wears the unit that suits it, because no common one does; the points stay in line.
    """

    precision: int
    decimals: int
    unit: int
    width: int
    each: bool = False

    @classmethod
    def fit(cls, largest: int, precision: int, width: int, most: int = 40) -> QuantityFormat:
        """Choose decimals and unit so that quantities up to `largest` fit.

        Args:
            largest: Lots.
            precision: Decimals of a lot.
            width: Cells available, at least 4.
            most: Most decimals wanted.
        """
        return _fit(largest, precision, width, most)

    @classmethod
    def for_column(cls, sizes: Iterable[int], precision: int, width: int, least: int = 4) -> QuantityFormat:
        """Choose the fewest cells in which the usual size has three digits and the others have two or more.

        Args:
            sizes: Lots of the rows in sight; those of 0 do not count.
            precision: Decimals of a lot.
            width: Cells available, at least 5.
            least: Cells wanted for the heading.
        """
        ranked = sorted(size for size in sizes if size > 0) or [1]
        count = len(ranked)
        return _column((ranked[-1], ranked[count // 2], ranked[count // 10], ranked[0]), precision, width, least)

    def suits(self, sizes: Iterable[int]) -> bool:
        """Whether a column may keep this format: the largest of these sizes fits and the usual one has two digits."""
        ranked = sorted(size for size in sizes if size > 0)
        if not ranked or self.each:
            return True
        largest, usual = ranked[-1], ranked[len(ranked) // 2]
        fits = len(_rounded(largest, self.precision, self.decimals, self.unit)) <= self.width
        return fits and self.decimals >= _decimals_for(2, usual, self.precision, self.unit)

    def wider(self, largest: int, width: int) -> QuantityFormat:
        """A format for sums of this column's quantities: in its unit where that fits, else in the next that does."""
        return _fit_unit(largest, self.precision, width, 40, self.unit) or _fit(largest, self.precision, width, 40)

    def header(self, name: str) -> str:
        """Column header, right-aligned."""
        return name.rjust(self.width)[: self.width]

    def text(self, lots: int) -> str:
        """A quantity in exactly `width` cells, its point in line with the others of the column."""
        return _in_column(lots, self)


@lru_cache(maxsize=1024)
def _fit(largest: int, precision: int, width: int, most: int) -> QuantityFormat:
    whole: QuantityFormat | None = None
    for unit, _ in _UNITS:
        shape = _fit_unit(largest, precision, width, most, unit)
        if shape and (shape.decimals or not unit):
            return shape
        # Three digits tell more than a tenth of the next unit, unless rounding would make them four too wide.
        if shape and largest >= 100 * 10 ** (precision + unit) and len(_rounded(largest, precision, 0, unit)) <= width:
            whole = whole or shape
    return whole or QuantityFormat(precision, 0, _UNITS[-1][0], width)


@lru_cache(maxsize=1024)
def _fit_unit(largest: int, precision: int, width: int, most: int, unit: int) -> QuantityFormat | None:
    whole = largest // 10 ** (precision + unit)
    cells = next((cells for digits, cells in _WHOLE_STEPS if whole < 10**digits), width + 1)
    left = width - (1 if unit else 0) - cells
    if left < 0:
        return None
    return QuantityFormat(precision, min(precision + unit, max(0, left - 1), most), unit, width)


def _decimals_for(digits: int, lots: int, precision: int, unit: int) -> int:
    """Decimals with which a quantity shows so many significant digits, or all it has."""
    return min(precision + unit, max(0, digits - (len(str(lots)) - precision - unit)))


@lru_cache(maxsize=1024)
def _column(sizes: tuple[int, int, int, int], precision: int, width: int, least: int) -> QuantityFormat:
    """A format by the largest, the usual, the small (a tenth is smaller) and the smallest size of a column."""
    largest, usual, small, smallest = sizes
    found: list[tuple[int, int, int]] = []
    for unit, suffix in _UNITS:
        whole = largest // 10 ** (precision + unit)
        cells = next((cells for digits, cells in _WHOLE_STEPS if whole < 10**digits), None)
        if cells is None:
            continue
        three = _decimals_for(3, usual, precision, unit)
        # Dust must not cost everybody else's place.
        decimals = min(
            max(three, _decimals_for(2, small if unit else smallest, precision, unit)), three + 2 - bool(unit)
        )
        if unit and _decimals_for(2, small, precision, unit) > decimals:
            continue
        if not unit and whole < 1_000:
            # There is no smaller unit than one.
            decimals = min(decimals, max(0, width - cells - 1))
        needed = cells + (1 + decimals if decimals else 0) + len(suffix)
        if needed <= width:
            found.append((needed, unit, decimals))
            if not unit:
                break
    if not found:
        decimals = max(0, min(2, width - 5))
        return QuantityFormat(precision, decimals, 3, max(least, 4 + (1 + decimals if decimals else 0)), each=True)
    needed, unit, decimals = min(found)
    return QuantityFormat(precision, decimals, unit, min(width, max(least, needed)))


@lru_cache(maxsize=16384)
def _in_column(lots: int, shape: QuantityFormat) -> str:
    precision, decimals, unit, width = shape.precision, shape.decimals, shape.unit, shape.width
    text = _rounded(lots, precision, decimals, unit)
    if shape.each or (unit and _is_short(lots, precision, decimals, unit)):
        text = _in_own_unit(lots, precision, decimals)
    if len(text) > width:
        # Larger than the column was made for: its own unit, or an honest approximation, never cut digits.
        text = _narrowed(lots, precision, width)
        return text.rjust(width) if len(text) <= width else "…".rjust(width)
    if unit or text[0] == "<":
        return text.rjust(width)
    kept = _significant_decimals(text)
    if kept >= decimals:
        return text.rjust(width)
    # What is left out leaves blanks, so that the points stay in line; rounding may add a digit before the point.
    blanks = decimals - kept + (0 if kept else 1)
    return (_rounded(lots, precision, kept, unit).rjust(width - blanks) + " " * blanks)[-width:]


def _is_short(lots: int, precision: int, decimals: int, unit: int) -> bool:
    """Whether rounding leaves a quantity fewer than two of its digits."""
    scale = 10 ** (precision + unit - decimals)
    return bool(lots < 10 * scale and lots % scale != 0)


def _in_own_unit(lots: int, precision: int, decimals: int) -> str:
    """A quantity in the unit that leaves it one to three whole digits; without one, a blank stands for the suffix."""
    text = _rounded(lots, precision, min(decimals, precision), 0) + " "
    for unit, _ in _UNITS[1:]:
        if len(text.partition(".")[0].rstrip(" KMBT")) <= 3:
            break
        text = _rounded(lots, precision, min(decimals, precision + unit), unit)
    return text


def _narrowed(lots: int, precision: int, width: int) -> str:
    """The most exact text of a quantity that fits, in whatever unit; rounding up may have added a digit."""
    for unit, _ in _UNITS:
        for decimals in (1, 0):
            text = _rounded(lots, precision, min(decimals, precision + unit), unit)
            if len(text) <= width and text[0] != "<":
                return text
    return f"{lots / 10**precision:.0e}".replace("e+", "e")


def _rounded(lots: int, precision: int, decimals: int, unit: int) -> str:
    suffix = dict(_UNITS)[unit]
    scale = 10 ** (precision + unit - decimals)
    shown = (lots + scale // 2) // scale
    if shown == 0 and lots:
        # Rounded to zero it would look like no quantity at all.
        return f"<{price(1, decimals)}{suffix}"
    return price(shown, decimals) + suffix


def _significant_decimals(text: str) -> int:
    """Decimals among the first three digits of a number, not counting zeros before them."""
    whole, _, decimals = text.partition(".")
    if whole != "0":
        return max(0, 3 - sum(map(str.isdigit, whole)))
    return len(decimals) - len(decimals.lstrip("0")) + 3


def quantity(lots: int, precision: int, width: int = 12, most: int = 40) -> str:
    """One quantity on its own, in at most `width` cells: exact where it fits, else rounded to three digits."""
    exact = _trimmed(price(lots, precision))
    if len(exact) <= width and len(exact.partition(".")[2]) <= most:
        return exact
    whole = lots // 10**precision
    # From ten million on, one to three digits before the point and three after it say all that is read.
    unit = next((unit for unit, _ in _UNITS if whole < 10 ** (unit + 3)), _UNITS[-1][0]) if whole >= 10**7 else 0
    most = min(most, 3) if unit else most
    shape = _fit_unit(lots, precision, max(4, width), most, unit) or _fit(lots, precision, max(4, width), most)
    text = shape.text(lots).strip()
    if not shape.unit:
        return text
    return _trimmed(text[:-1]) + text[-1] if text[-1].isalpha() else text


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def duration(ns: int) -> str:
    """A span of time in the largest fitting unit: "0.2 s", "75 s", "4 m", "2 h", "3 d". Negative spans read as 0."""
    seconds = max(0, ns) / SECOND
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 119.5:
        return f"{seconds:.0f} s"
    if seconds < 7_170:
        return f"{seconds / 60:.0f} m"
    if seconds < 172_000:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86_400:.0f} d"


def basis_points(value: float) -> str:
    """Basis points without their unit: two decimals, fewer from 100 on; a tiny one reads "<0.01"."""
    size = abs(value)
    if 0 < size < 0.005:
        return "<0.01"
    return fixed(value, 2 if size < 99.995 else 0)


def change_percent(text: str | None) -> str | None:
    """The ticker's change in percent with sign and two decimals; None if there is no change to show."""
    try:
        value = float(text or "nan")
    except ValueError:
        return None
    return signed(value) if isfinite(value) else None


def percent(part: int, whole: int) -> str:
    """Whole percent, "<1%" rather than a wrong zero, and 100 only for all of it."""
    if whole <= 0:
        return ""
    value = (100 * part + whole // 2) // whole
    if value == 0 and part:
        return "<1%"
    return "99%" if value >= 100 and part < whole else f"{value}%"


def data_size(count: int) -> str:
    """Bytes in decimal units: "812 B", "12.4 MB"."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def clock(ns: int, digits: int = 0) -> str:
    """UTC time of day of nanoseconds since the epoch: "14:03:10", with up to nine decimals of the second."""
    seconds, fraction = divmod(ns, SECOND)
    minutes, second = divmod(seconds % 86_400, 60)
    hour, minute = divmod(minutes, 60)
    text = f"{hour:02d}:{minute:02d}:{second:02d}"
    return f"{text}.{fraction:09d}"[: 9 + digits] if digits else text


def rate(value: float) -> str:
    """Events a second: "0.4/s", "41/s"."""
    return f"{fixed(value, 1 if 0 < value < 0.95 else 0)}/s"


def direction_glyph(direction: int) -> str:
    """▲ up, ▼ down, · unchanged or unknown."""
    return "▲" if direction > 0 else "▼" if direction < 0 else "·"


def direction_role(direction: int) -> str:
    """Role that goes with `direction_glyph`."""
    return "up" if direction > 0 else "down" if direction < 0 else "text"


def eighths(part: float, largest: float, width: int) -> int:
    """Length of a bar in eighths of a cell; anything above zero is at least one."""
    if part <= 0 or largest <= 0 or width <= 0:
        return 0
    return max(1, min(8 * width, round(8 * width * part / largest)))


def bar_right(length: int, width: int, key: str, ascii_only: bool = False) -> Run:
    """A bar that grows to the right from its left edge, padded to `width` cells.

    Args:
        length: Eighths of a cell.
        width: Cells.
        key: Style key.
        ascii_only: Whole cells of "#" only.
    """
    if ascii_only:
        return ("#" * min(width, (length + 7) // 8)).ljust(width), key
    full, rest = divmod(length, 8)
    return ("█" * full + (_PARTIAL[rest] if rest else "")).ljust(width), key


def bar_left(length: int, width: int, key: str, ascii_only: bool = False, *, fine: bool = False) -> tuple[Run, ...]:
    """A bar that grows to the left from its right edge, padded to `width` cells.

    Unicode has no right-aligned eighths that fonts carry: only one eighth, a half and the whole. They are enough for
    a column of bars and look the same everywhere.

    Args:
        length: Eighths of a cell.
        width: Cells.
        key: Style key.
        ascii_only: Whole cells of "#" only.
        fine: Draw the tip exactly, as its missing left part in reverse video, for a bar that stands alone.
    """
    if ascii_only:
        return ((("#" * min(width, (length + 7) // 8)).rjust(width), key),)
    full, rest = divmod(length, 8)
    if not fine or not rest:
        tip = _RIGHT_PARTIAL[rest]
        return (((tip + "█" * full).rjust(width), key),)
    return ((" " * (width - full - 1), key), (_PARTIAL[8 - rest], f"~{key}"), ("█" * full, key))
