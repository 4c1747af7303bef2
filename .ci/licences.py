"""List the licences of kraken-tui and of all it depends on, as they are installed; a dependency without one is a fault.

python .ci/licences.py
"""

from __future__ import annotations

import sys
from importlib.metadata import Distribution
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from pyz import NAME, needed


def licence(found: Distribution) -> str:
    """What a distribution says of its licence, in a few words; "" if it says nothing."""
    data = found.metadata
    said = data.get("License-Expression") or ""
    if not said:
        named = [line for line in data.get_all("Classifier") or () if line.startswith("License ::")]
        said = ", ".join(line.rpartition(" :: ")[2] for line in named)
    first = (data.get("License") or "").strip().split("\n")[0]
    return said or first[:60]


def main() -> int:
    """Run from the command line."""
    rows = [(each.metadata["Name"], each.version, licence(each)) for each in needed(NAME, set())]
    missing = [name for name, _, said in rows if not said]
    for name, version, said in sorted(rows, key=lambda row: row[0].lower()):
        sys.stdout.write(f"{name:<24} {version:<12} {said or 'NOT SAID'}\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
