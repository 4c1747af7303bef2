"""What all dialogs share."""

from __future__ import annotations

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen, ScreenResultType


class Dialog(ModalScreen[ScreenResultType]):
    """A dialog that closes once: keys that were pressed before it was gone do nothing more."""

    _closing_already = False

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """See `Screen.dismiss`, for which a second time is an error of the program."""
        if self._closing_already:
            return AwaitComplete()
        self._closing_already = True
        return super().dismiss(result)
