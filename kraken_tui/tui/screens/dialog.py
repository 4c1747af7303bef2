"""What all dialogs share."""

from __future__ import annotations

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen, Screen, ScreenResultType


class ClosesOnce(Screen[ScreenResultType]):
    """A screen that closes once: keys that were pressed before it was gone do nothing more."""

    _is_closing_already = False

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """See `Screen.dismiss`, for which a second time is an error of the program."""
        if self._is_closing_already:
            return AwaitComplete()
        self._is_closing_already = True
        return super().dismiss(result)


class Dialog(ModalScreen[ScreenResultType], ClosesOnce[ScreenResultType]):
    """A dialog of ours."""
