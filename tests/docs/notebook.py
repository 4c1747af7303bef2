"""Run the code of a notebook, cell by cell, without Jupyter: `python -m tests.docs.notebook FILE.ipynb`.

Cells that need an event loop, or commands of a notebook (`%`, `!`), are none of ours.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def code_cells(path: Path) -> list[str]:
    """The code of the cells, in their order."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in content["cells"] if cell["cell_type"] == "code"]


def run(path: Path) -> None:
    """Run the cells one after another in one namespace, as a kernel does."""
    namespace: dict[str, object] = {"__name__": "__main__"}
    for number, code in enumerate(code_cells(path), 1):
        exec(compile(code, f"{path.name}, code cell {number}", "exec"), namespace)


if __name__ == "__main__":
    run(Path(sys.argv[1]))
