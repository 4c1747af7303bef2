"""Bracketed pastes in the stream of a terminal's input, so that nothing inside one is taken for a key. Pure."""

from __future__ import annotations

START, END = "\x1b[200~", "\x1b[201~"

PATIENCE_S = 2.0
"""How long a paste may stand still before its end counts as lost."""

MOST = 1_000_000
"""Characters of one paste that are kept; the rest is dropped."""

_TYPED_GAP_S = 0.02
_TYPED_LENGTH = 16
_CTRL_C = ("\x03", "\x1b[99;5u")
"""Ctrl-C as a terminal sends it, plainly and by the kitty protocol."""


class Pasted(str):
    """The text of a whole paste."""

    __slots__ = ()


class Pastes:
    """Parts text into what was typed and what was pasted.

    What was typed includes the marks of the pastes, with nothing in between. Nobody but the user types Ctrl-C into a
    paste whose end was lost: if it comes by itself after a pause, the paste is over. Other typing does not prolong it.
    """

    def __init__(self) -> None:
        self._open = False
        self._text = ""
        self._tail = ""
        self._heard_at = self._flowed_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the end of a paste is awaited."""
        return self._open

    def feed(self, text: str, now: float) -> list[str]:
        """Take the next text.

        Args:
            text: As read.
            now: Monotonic s.

        Returns:
            Typed text and `Pasted` text, in order.
        """
        parts: list[str] = []
        if self._open:
            if now - self._heard_at < _TYPED_GAP_S or len(text) > _TYPED_LENGTH:
                self._flowed_at = now
            elif any(not text.replace(key, "") for key in _CTRL_C):
                parts += self._close()
        self._heard_at = now
        while text:
            text = self._inside(text, parts) if self._open else self._outside(text, parts, now)
        return parts

    def tick(self, now: float) -> list[str]:
        """Let time pass; ends a paste whose end was lost."""
        return self._close() if self._open and now - self._flowed_at > PATIENCE_S else []

    def _outside(self, text: str, parts: list[str], now: float) -> str:
        joined = self._tail + text
        at = joined.find(START)
        if at < 0:
            parts.append(text)
            self._tail = joined[1 - len(START) :]
            return ""
        after = at + len(START) - len(self._tail)
        parts.append(text[:after])
        self._open, self._text, self._tail = True, "", ""
        self._flowed_at = now
        return text[after:]

    def _inside(self, text: str, parts: list[str]) -> str:
        # Only the new text, and what may be the first half of the mark, need be looked at.
        begin = max(0, len(self._text) - len(END) + 1)
        self._text += text
        at = self._text.find(END, begin)
        if at < 0:
            if len(self._text) > 2 * MOST:
                self._text = self._text[:MOST] + self._text[1 - len(END) :]
            return ""
        rest = self._text[at + len(END) :]
        self._text = self._text[:at]
        parts += self._close()
        return rest

    def _close(self) -> list[str]:
        text, self._text = self._text[:MOST], ""
        self._open = False
        return [END, Pasted(text)]
