"""X14: the same sources give the same wheel, to the bit.

    python -m tests.rig.wheel --write

Builds the wheel twice, the second time from a copy elsewhere whose files are newer, and compares. `pip` fetches the
build back end, so this is a command and no test.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path

from tests.rig.ledger import write_figures

ROOT = Path(__file__).parents[2]
_PARTS = ("kraken_tui", "pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE", "CHANGELOG.md")


def copy_of_the_sources(target: Path) -> Path:
    """The sources alone, with the time of now."""
    target.mkdir()
    for name in _PARTS:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
        else:
            shutil.copy(source, target / name)
    now = time.time()
    for path in target.rglob("*"):
        os.utime(path, (now, now))
    return target


def build(sources: Path, into: Path) -> Path:
    """Build one wheel.

    Raises:
        subprocess.CalledProcessError: The build failed.
    """
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*command, "--wheel-dir", str(into), str(sources)], check=True, stdout=subprocess.DEVNULL)
    [wheel] = into.glob("*.whl")
    return wheel


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns 1 where the wheels differ."""
    parser = argparse.ArgumentParser(prog="python -m tests.rig.wheel", description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--write", action="store_true", help="write what was seen into docs/FIGURES.md")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        wheels = []
        for name in ("one", "another place"):
            sources = copy_of_the_sources(base / name)
            wheels.append(build(sources, base / f"{name} out"))
        hashes = [sha256(wheel.read_bytes()).hexdigest() for wheel in wheels]
        seen = (
            f"{wheels[0].name} built twice: SHA-256 {hashes[0]}, {'the same' if len(set(hashes)) == 1 else hashes[1]}"
        )
    print(seen)
    if len(set(hashes)) > 1:
        return 1
    if options.write:
        write_figures("wheel", seen)
    return 0


if __name__ == "__main__":
    sys.exit(main())
