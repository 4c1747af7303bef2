"""Changes that no test can notice, each with the reason: they are the same program, or only a slower one."""

from __future__ import annotations

_SLOWER = "numbers of the usual form only take the general way, with the same result"

_ONCE_MORE = "digits are joined once more than needed, with the same result"
_SIGN = "the sign is 1 or -1"
_MEMORY = "only how much is remembered"

EQUIVALENT: dict[str, dict[str, str]] = {
    "market/book.py": {
        ": _KEPT_PRICES = 20000 -> _KEPT_PRICES = 20001": _MEMORY,
        ": _KEPT_PRICES = 20000 -> _KEPT_PRICES = 19999": _MEMORY,
        "BookSide.__init__: self._dirty = False -> self._dirty = True": _ONCE_MORE,
        "BookSide.top: self._sign < 0 -> self._sign <= 0": _SIGN,
        "BookSide.top: self._sign < 0 -> self._sign < 1": _SIGN,
        "BookSide.put: at < CHECKSUM_LEVELS -> at <= CHECKSUM_LEVELS": _ONCE_MORE,
        "BookSide.truncate: len(self._keys) > depth -> len(self._keys) >= depth": "nothing lies beyond the last level",
        "BookSide.truncate: self._dirty = self._dirty or depth < CHECKSUM_LEVELS"
        " -> self._dirty = self._dirty or depth <= CHECKSUM_LEVELS": _ONCE_MORE,
        "BookSide.checksum_digits: self._dirty = False -> pass": _ONCE_MORE,
        "BookSide.checksum_digits: self._dirty = False -> self._dirty = True": _ONCE_MORE,
        "OrderBook.load: self._prices.clear() -> pass": _MEMORY,
        **{
            f"OrderBook._apply_side: point, end, nothing = (-precision - 1, -precision, self._nothing)"
            f" -> point, end, nothing = ({point}, {end}, self._nothing)": _SLOWER
            for point, end in (
                ("-precision - 1", "precision"),
                ("-precision + 1", "-precision"),
                ("precision - 1", "-precision"),
                ("-precision - 2", "-precision"),
                ("-precision - 0", "-precision"),
            )
        },
        "OrderBook._apply_side: len(qty) <= MAX_DIGITS -> len(qty) < MAX_DIGITS": _SLOWER,
        "OrderBook._apply_side: key = ticks * sign -> key = ticks // sign": _SIGN,
        "OrderBook._apply_side: at < CHECKSUM_LEVELS -> at <= CHECKSUM_LEVELS": _ONCE_MORE,
        "OrderBook._apply_side: len(keys) > self.depth -> len(keys) >= self.depth": (
            "nothing lies beyond the last level"
        ),
    },
    "wire/checksum.py": {
        "token: return text.replace('.', '', 1).lstrip('0') -> return text.replace('.', '', 2).lstrip('0')": (
            "a number has one point"
        ),
    },
    "wire/digits.py": {
        **{
            f"to_units: value[-precision - 1:-precision] == '.' -> value[{point}] == '.'": _SLOWER
            for point in (
                "-precision - 1:precision",
                "-precision + 1:-precision",
                "precision - 1:-precision",
                "-precision - 2:-precision",
                "-precision - 0:-precision",
            )
        },
        "to_units: len(value) <= MAX_DIGITS -> len(value) < MAX_DIGITS": _SLOWER,
        "to_units: digits = value.replace('.', '', 1) -> digits = value.replace('.', '', 0)": _SLOWER,
        "_by_exponent: shift >= 0 -> shift > 0": "a shift by nothing divides by one",
        "_by_exponent: shift >= 0 -> shift >= 1": "a shift by nothing divides by one",
        "_by_exponent: divisor: int = 10 ** min(-shift, 400) -> divisor: int = 10 ** min(-shift, 401)": (
            "no number has as many digits"
        ),
        "_by_exponent: divisor: int = 10 ** min(-shift, 400) -> divisor: int = 10 ** min(-shift, 399)": (
            "no number has as many digits"
        ),
    },
    "feed/machine.py": {
        "Backoff.__init__: self._previous_s = 1.0 -> self._previous_s = 2.0": "anything but nearly zero",
        "Backoff.next_delay_s: 0.0 -> -1.0": "no delay is below zero",
        **{
            "Backoff.next_delay_s: limits.backoff_first_s * 2.0 ** min(self.attempt, 32)"
            f" -> limits.backoff_first_s * 2.0 ** min(self.attempt, {most})": "the cap is reached long before"
            for most in (31, 33)
        },
        "DialBudget.restore:  for dial in dials[-4 * self._limit:] if type(dial) is int"
        " ->  for dial in dials[-5 * self._limit:] if type(dial) is int": "what is too much is cut off again",
        "_take_near: return False -> return None": "asked only whether it is true",
    },
    "wire/text.py": {
        "clean_text: text = bytes(text[:4 * (limit + 1)]).decode('utf-8', 'replace')"
        " -> text = bytes(text[:5 * (limit + 1)]).decode('utf-8', 'replace')": "what is too much is cut off again",
        "clean_text: text = bytes(text[:4 * (limit + 1)]).decode('utf-8', 'replace')"
        " -> text = bytes(text[:4 * (limit + 2)]).decode('utf-8', 'replace')": "what is too much is cut off again",
        "clean_text: plain = str(text)[:limit + 1] -> plain = str(text)[:limit + 2]": (
            "what is too much is cut off again"
        ),
    },
}
"""File below kraken_tui -> name of the change (`operators.Change.key`) -> why nothing is different."""
