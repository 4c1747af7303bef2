"""Changes that no test can notice, each with the reason: they are the same program, or only a slower one."""

from __future__ import annotations

_SLOWER = "numbers of the usual form only take the general way, with the same result"

EQUIVALENT: dict[str, dict[str, str]] = {
    "wire/checksum.py": {
        "token: return text.replace('.', '', 1).lstrip('0') -> return text.replace('.', '', 2).lstrip('0')": (
            "a number has one point"
        ),
    },
    "wire/digits.py": {
        "to_units: value[-precision - 1:-precision] == '.' -> value[-precision - 1:precision] == '.'": _SLOWER,
        "to_units: value[-precision - 1:-precision] == '.' -> value[-precision + 1:-precision] == '.'": _SLOWER,
        "to_units: value[-precision - 1:-precision] == '.' -> value[precision - 1:-precision] == '.'": _SLOWER,
        "to_units: value[-precision - 1:-precision] == '.' -> value[-precision - 2:-precision] == '.'": _SLOWER,
        "to_units: value[-precision - 1:-precision] == '.' -> value[-precision - 0:-precision] == '.'": _SLOWER,
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
