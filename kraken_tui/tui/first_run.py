"""Whether this user sees the screen for the first time."""

from __future__ import annotations

import os

from kraken_tui.files import make_folder, open_private, user_folder

NAME = "seen"
"""File in the user's state folder that says that the screen was shown before."""


def is_first() -> bool:
    """Whether the screen was never shown to this user; from then on it was.

    Where that cannot be remembered (no home folder, a full or read-only disk) the answer is no: a greeting at each
    start would be worse than none.
    """
    try:
        folder = user_folder("state")
        make_folder(folder)
        os.close(open_private(folder / NAME, os.O_WRONLY | os.O_EXCL))
    except OSError:
        return False
    return True
