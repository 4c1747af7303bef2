"""Where recorded data of the real exchange lies; it is not part of the repository."""

from __future__ import annotations

import os
from pathlib import Path


def shared_folder() -> Path:
    """The folder that KRAKEN_TUI_SHARED names, or `shared` beside the checkout; it need not exist."""
    default = Path(__file__).resolve().parents[1].parent / "shared"
    return Path(os.environ.get("KRAKEN_TUI_SHARED") or default)
