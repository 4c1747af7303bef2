"""What must never be shown: a type for secrets, and the gate that takes them out of any text.

Two nets, one behind the other. By value: whoever makes a `Secret` has its value, in every usual way of writing it,
cut from all text that passes `redact`, also where only a part of it is left. By name: what stands behind "token",
"API-Sign", "secret" and the like goes, whether this process has ever seen it or not, so that the token of somebody
else is not kept either. `clean_text` calls `redact`, and `recording.format` calls `redact_frame`; so nothing reaches a
screen, a log or a disk around them.

Everything is linear in the length of the text.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections import deque
from threading import Lock
from typing import Any, NoReturn

REDACTED = "[redacted]"
"""What stands in the place of a secret."""

MOST_TOKENS = 8
"""Values of short life that are remembered, the newest ones (every one is looked for in every text); keys are
remembered until the process ends."""

_LEAST = 8
_BLOCK = 12
_LEAST_BARE = 16
"""Shorter words behind a bare `token:` are words of a sentence."""

_ALWAYS = frozenset({"apisign", "apikey", "apisecret", "otp"})
_NAME = r"(?:api[-_]?(?:sign|key|secret)|private[-_]?key|token|secret|otp|password)"
_QUOTE = r"\\{0,4}[\"']|%22"
_PATTERN = re.compile(
    rf"(?P<name>{_NAME})(?:{_QUOTE})?\s{{0,3}}(?P<link>[:=]|%3D|%3A)\s{{0,3}}"
    rf"(?:(?P<quote>{_QUOTE})(?P<quoted>.*?)(?=(?P=quote)|\Z)|(?P<bare>[^\"'\s,&;}}\])\\]+))",
    re.IGNORECASE | re.DOTALL,
)
_SIGNS = tuple(each for sign in ("oken", "pi-", "pi_", "pik", "ecret", "otp", "asswo", "rivate")
               for each in (sign, sign.upper()))  # fmt: skip
"""A part of every name, for a fast look."""


class Secret:
    """A text that shows itself to nobody who does not ask for it by `reveal`.

    Args:
        value: The text.
        lasting: Whether it is remembered for redaction until the process ends; False for one of many, such as a token.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str, *, lasting: bool = True) -> None:
        self._value = value
        _known.add(value, lasting=lasting)

    def reveal(self) -> str:
        """The text itself; for the wire and for nothing else."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __format__(self, _: str) -> str:
        return repr(self)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, _: dict[int, Any]) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")

    def __reduce_ex__(self, _: object) -> NoReturn:
        raise TypeError("a secret is not pickled")


class _Known:
    """The values that were made secrets of, cut into blocks.

    A part of a value that is at least twice as long as a block holds a whole block, so a value is found by its parts,
    each with one fast search.

    Attributes:
        blocks: (block, the text it was cut from, where in it).
        raw: Both ends of every value, as a frame would hold them; frames are many, and hold a value as a whole.
    """

    def __init__(self) -> None:
        self.blocks: tuple[tuple[str, str, int], ...] = ()
        self.raw: tuple[bytes, ...] = ()
        self._lock = Lock()
        self._lasting: dict[str, None] = {}
        self._passing: deque[str] = deque(maxlen=MOST_TOKENS)

    def add(self, value: str, *, lasting: bool) -> None:
        with self._lock:
            if len(value) >= _LEAST and value not in self._lasting and (lasting or value not in self._passing):
                self._add(value, lasting=lasting)

    def _add(self, value: str, *, lasting: bool) -> None:
        if lasting:
            self._lasting[value] = None
        else:
            self._passing.append(value)
        blocks: dict[str, tuple[str, int]] = {}
        for known in (*self._lasting, *self._passing):
            for form in _forms(known):
                size = min(_BLOCK, len(form))
                for start in range(0, len(form) - size + 1, size):
                    blocks.setdefault(form[start : start + size], (form, start))
        # Replaced as a whole: other threads read it without a lock.
        self.blocks = tuple((block, form, start) for block, (form, start) in blocks.items())
        ends = {
            end.encode("utf-8", "surrogatepass"): None
            for known in (*self._lasting, *self._passing)
            for form in (known, known.replace("/", "\\/"))
            for end in (form[:_BLOCK], form[-_BLOCK:])
        }
        self.raw = tuple(ends)


_known = _Known()


def _forms(value: str) -> tuple[str, ...]:
    """Every usual way of writing a value."""
    from urllib.parse import quote

    forms = [value, value.replace("/", "\\/"), quote(value, safe=""), quote(value, safe="").lower()]
    try:
        decoded = b64decode(value, validate=True) if len(value) >= 2 * _BLOCK else b""
    except ValueError:
        decoded = b""
    if len(decoded) >= _BLOCK:
        # What a signature is made with is the decoded key.
        forms += [decoded.hex(), decoded.hex().upper(), value.replace("+", "-").replace("/", "_"), repr(decoded)[2:-1]]
    return tuple(dict.fromkeys(forms))


def redact(text: str) -> str:
    """Take every secret out of a text.

    Args:
        text: Any text.

    Returns:
        The text with `REDACTED` in their places; the same object if there is nothing to hide.
    """
    if len(text) < _LEAST:
        return text
    for block, _, _ in _known.blocks:
        if block in text:
            text = _without_values(text)
            break
    for sign in _SIGNS:
        if sign in text:
            return _PATTERN.sub(_hide, text)
    return text


def redact_frame(frame: bytes) -> bytes:
    """As `redact`, for a frame of JSON, which stays one.

    Args:
        frame: As received or sent.
    """
    if b'oken"' not in frame:
        for end in _known.raw:
            if end in frame:
                break
        else:
            return frame
    # Every byte is a character of Latin-1, so all that is not hidden comes back as it was.
    return redact(frame.decode("latin-1")).encode("latin-1")


def _hide(found: re.Match[str]) -> str:
    value = found["quoted"] if found["quote"] else found["bare"]
    name = found["name"].lower().replace("-", "").replace("_", "")
    sentence = found["quote"] is None and found["link"] == ":" and name not in _ALWAYS
    if not value or value.startswith(REDACTED[:-1]) or (sentence and len(value) < _LEAST_BARE):
        return found[0]
    return f"{found[0][: len(found[0]) - len(value)]}{REDACTED}"


def _without_values(text: str) -> str:
    spans: list[tuple[int, int]] = []
    for block, form, offset in _known.blocks:
        at = text.find(block)
        while at >= 0:
            start, end = at, at + len(block)
            before, after = offset, offset + len(block)
            while start and before and text[start - 1] == form[before - 1]:
                start, before = start - 1, before - 1
            while end < len(text) and after < len(form) and text[end] == form[after]:
                end, after = end + 1, after + 1
            spans.append((start, end))
            at = text.find(block, end)
    parts, done = [], 0
    for start, end in sorted(spans):
        if start >= done:
            parts += [text[done:start], REDACTED]
        done = max(done, end)
    return "".join([*parts, text[done:]])
