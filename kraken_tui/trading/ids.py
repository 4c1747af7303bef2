"""Names of orders, made here: they begin as all of ours do, and none is ever made twice."""

from __future__ import annotations

PREFIX = "kt-"
"""How the names of this program's orders begin; an order with another name is of another program."""

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_TIME, _CHANCE, _NUMBER = 8, 3, 4


class ClientIds:
    """Makes `cl_ord_id`s of 18 characters, the longest that the exchange takes as free text.

    They hold the start of the session in ms, three characters of chance against a second program of the same
    millisecond, and a number.

    Args:
        start_ns: When the session began, ns since the epoch.
        chance: Any large number that another program would not have.
    """

    def __init__(self, start_ns: int, chance: int) -> None:
        self._session = PREFIX + _base36(start_ns // 1_000_000, _TIME) + _base36(chance, _CHANCE)
        self._next = 0

    def make(self) -> str:
        """The next name.

        Raises:
            OverflowError: The session has used all of its 1.6 million names.
        """
        self._next += 1
        if self._next >= 36**_NUMBER:
            raise OverflowError("this session has no names for orders left; start the program again")
        return self._session + _base36(self._next, _NUMBER)


def _base36(number: int, width: int) -> str:
    digits = ""
    for _ in range(width):
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits
