"""What all dialogs share."""

from __future__ import annotations

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen, Screen, ScreenResultType


class ClosesOnce(Screen[ScreenResultType]):
    """A screen that closes once: keys pressed before it is gone do nothing more."""

    _is_closing_already = False

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """See `Screen.dismiss`, which raises an error the second time."""
        if self._is_closing_already:
            return AwaitComplete()
        self._is_closing_already = True
        return super().dismiss(result)


class Dialog(ModalScreen[ScreenResultType], ClosesOnce[ScreenResultType]):
    """A dialog over the market screen."""
