"""Names of pairs: what people type to what the v2 socket wants (PROTOCOL.md section 9).

Names come from the instrument channel. Only the fixed tables below translate the older spellings: XBT and XDG,
and the X and Z prefixes of Kraken's oldest assets. Nothing is derived by rule.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

import msgspec

from kraken_tui.errors import InvalidMessage, InvalidNumber, UnknownPair
from kraken_tui.text import clean_text
from kraken_tui.wire.digits import to_decimal, to_units
from kraken_tui.wire.messages import PairData, WireNumber

_OLD_ASSETS = {
    "XBT": "BTC", "XXBT": "BTC", "XDG": "DOGE", "XXDG": "DOGE",
    "XETC": "ETC", "XETH": "ETH", "XLTC": "LTC", "XMLN": "MLN", "XREP": "REP",
    "XXLM": "XLM", "XXMR": "XMR", "XXRP": "XRP", "XZEC": "ZEC",
    "ZAUD": "AUD", "ZCAD": "CAD", "ZEUR": "EUR", "ZGBP": "GBP", "ZJPY": "JPY", "ZUSD": "USD",
}  # fmt: skip
MAX_SYMBOL = 40
"""Longest name of a pair or asset that is accepted, in characters."""

MAX_PRECISION = 20
"""Most decimals of a price or quantity that are accepted; Kraken's finest today has 10."""

_SEPARATORS = str.maketrans("", "", "/-_: .")


class PairSpec(msgspec.Struct, frozen=True, gc=False):
    """Reference data of one pair, in whole units.

    Attributes:
        symbol: v2 symbol such as "BTC/USD".
        base: Base asset.
        quote: Quote asset.
        price_precision: Decimals of a price; one tick is 10^-price_precision.
        qty_precision: Decimals of a quantity; one lot is 10^-qty_precision.
        increment: Smallest price step in ticks; may be coarser than one (section 6).
        status: Pair status such as "online"; see section 6.
        tokenised: Whether the base stands for something outside the exchange, such as a share.
        assumed: True if the precisions were inferred from a recording, not read from the instrument channel.
        qty_step: Smallest step of a quantity in lots.
        qty_min: Smallest order, in lots; None where it was not told.
        cost_min: Smallest price times quantity of an order, decimal text in quote units; "" where it was not told.
    """

    symbol: str
    base: str
    quote: str
    price_precision: int
    qty_precision: int
    increment: int = 1
    status: str = "online"
    assumed: bool = False
    tokenised: bool = False
    qty_step: int = 1
    qty_min: int | None = None
    cost_min: str = ""

    @classmethod
    def from_wire(cls, data: PairData, *, tokenised: bool = False) -> PairSpec:
        """Convert one pair of an instrument frame.

        Args:
            data: The pair.
            tokenised: Whether its base is a tokenised asset.

        Raises:
            InvalidNumber: The price increment is not a number, or finer than the price precision.
            InvalidMessage: The symbol is not displayable as it is (cleaned, it could be another pair's name), or a
                precision is out of range.
        """
        if not is_clean(data.symbol):
            raise InvalidMessage(f"no name for a pair: {clean_text(data.symbol, MAX_SYMBOL)!r}")
        for precision in (data.price_precision, data.qty_precision):
            if not 0 <= precision <= MAX_PRECISION:
                raise InvalidMessage(f"{precision} decimals")
        increment = 1
        if data.price_increment is not None:
            increment = max(1, to_units(data.price_increment, data.price_precision))
        return cls(
            symbol=data.symbol,
            base=clean_text(data.base, MAX_SYMBOL),
            quote=clean_text(data.quote, MAX_SYMBOL),
            price_precision=data.price_precision,
            qty_precision=data.qty_precision,
            increment=increment,
            status=clean_text(data.status, MAX_SYMBOL),
            tokenised=tokenised,
            qty_step=max(1, _optional(data.qty_increment, data.qty_precision) or 1),
            qty_min=_optional(data.qty_min, data.qty_precision),
            cost_min=_cost(data.cost_min),
        )


def _optional(value: WireNumber, precision: int) -> int | None:
    """A figure that only orders need: one that cannot be read must not cost the pair its book."""
    try:
        return None if value is None else to_units(value, precision)
    except InvalidNumber:
        return None


def _cost(value: object) -> str:
    try:
        return "" if value is None else f"{to_decimal(value):f}"
    except InvalidNumber:
        return ""


_LIKE = 0.72
"""How like a pair's letters must be to be suggested; that two pairs end in USD makes them alike already."""


def is_clean(symbol: str) -> bool:
    """Whether a symbol can be displayed and requested as it is."""
    return 0 < len(symbol) <= MAX_SYMBOL and clean_text(symbol, MAX_SYMBOL) == symbol


def canonical(name: str) -> str:
    """Best guess at the v2 symbol before the instrument list is known: "xbt/usd" gives "BTC/USD".

    A name without a separator is returned in upper case, unsplit.
    """
    upper = name.strip().upper().replace("-", "/").replace("_", "/")
    base, slash, quote = upper.partition("/")
    if not slash:
        return upper
    return f"{_OLD_ASSETS.get(base, base)}/{_OLD_ASSETS.get(quote, quote)}"


def asset_of(name: str) -> str:
    """The v2 name of an asset by REST's: "XXBT" gives "BTC"."""
    return _OLD_ASSETS.get(name, name)


_USUAL_QUOTES = ("USD", "EUR", "GBP", "CAD", "AUD", "CHF", "JPY", "USDT", "USDC", "USDG", "BTC", "ETH", "DAI")


def guesses(name: str) -> tuple[str, ...]:
    """The v2 symbols that a name may mean where no instrument list will come: "btcusd" gives ("BTC/USD",)."""
    known = canonical(name)
    if "/" in known:
        return (known,)
    found = [
        canonical(f"{spelling.removesuffix(quote)}/{quote}")
        for spelling in _spellings(known)
        for quote in _USUAL_QUOTES
        if spelling.endswith(quote) and spelling != quote
    ]
    return tuple(dict.fromkeys(found)) or (known,)


class SymbolTable:
    """All pairs of the exchange, found by any of their usual names."""

    def __init__(self, symbols: Iterable[str] = ()) -> None:
        self._by_joined: dict[str, str] = {}
        self._by_name: dict[str, str] = {}
        for symbol in symbols:
            self.add(symbol)

    def add(self, symbol: str) -> None:
        """Add a v2 symbol; adding one twice changes nothing."""
        upper = symbol.upper()
        self._by_joined.setdefault(upper.translate(_SEPARATORS), symbol)
        self._by_name.setdefault(upper, symbol)

    def __len__(self) -> int:
        return len(self._by_name)

    def resolve(self, name: str) -> str:
        """Find the v2 symbol for a name as people write it.

        A name with a separator never matches a pair that is split elsewhere: USDT/USD and USD/TUSD have the same
        letters.

        Args:
            name: Such as "BTC/USD", "btcusd", "XBT/USD", "XXBTZUSD", "xdg-usd".

        Raises:
            UnknownPair: No pair matches; carries the nearest names.
        """
        upper = name.strip().upper()
        for candidate in (upper, canonical(upper)):
            symbol = self._by_name.get(candidate)
            if symbol is not None:
                return symbol
        length = canonical(upper).find("/")
        for candidate in _spellings(upper.translate(_SEPARATORS)):
            symbol = self._by_joined.get(candidate)
            if symbol is not None and (length < 0 or symbol.find("/") == length):
                return symbol
        raise UnknownPair(clean_text(name, MAX_SYMBOL), self.nearest(name))

    def nearest(self, name: str, count: int = 3) -> tuple[str, ...]:
        """Symbols whose names look like `name`, best first."""
        joined = name.upper().translate(_SEPARATORS)
        for spelling in _spellings(joined):
            found = get_close_matches(spelling, self._by_joined, n=count, cutoff=_LIKE)
            if found:
                return tuple(self._by_joined[key] for key in found)
        return ()

    def search(self, text: str, limit: int = 50) -> list[str]:
        """Symbols for a find-as-you-type list: those that begin with `text` first, then those that contain it."""
        joined = text.upper().translate(_SEPARATORS)
        spellings = _spellings(joined)
        keys = {symbol: upper.translate(_SEPARATORS) for upper, symbol in self._by_name.items()}
        starts = [s for s, key in keys.items() if any(key.startswith(p) for p in spellings)]
        inside = [s for s, key in keys.items() if joined in key and s not in starts]
        return (sorted(starts, key=lambda s: (len(s), s)) + sorted(inside))[:limit]


def _spellings(joined: str) -> list[str]:
    """The joined name as written, then with older asset names at either end translated."""
    results = [joined]
    heads = [(old, new) for old, new in _OLD_ASSETS.items() if joined.startswith(old)]
    tails = [(old, new) for old, new in _OLD_ASSETS.items() if joined.endswith(old)]
    for head_old, head_new in [("", ""), *heads]:
        for tail_old, tail_new in [("", ""), *tails]:
            end = len(joined) - len(tail_old)
            if len(head_old) <= end:
                results.append(head_new + joined[len(head_old) : end] + tail_new)
    return list(dict.fromkeys(results))
