"""Which tests must notice a changed module: some are named, for every other there is a rule.

The tests of `kraken_tui/feed/clock.py` are `tests/feed/test_clock.py` and all beside it whose name begins so; then the
rest of its package's tests, and those that `PACKAGES` names.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Target:
    """A module below kraken_tui, its own tests, and others that run where those notice nothing."""

    file: str
    own: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def path(self) -> Path:
        """Where the module lies."""
        return ROOT / "kraken_tui" / self.file

    @property
    def module(self) -> str:
        """Dotted name."""
        return ".".join(("kraken_tui", *Path(self.file).with_suffix("").parts)).removesuffix(".__init__")


TARGETS = (
    Target("market/book/l2.py", ("tests/market/book/test_l2.py",), ("tests/faults/test_book.py",)),
    Target("wire/checksum.py", ("tests/wire/test_checksum.py",), ("tests/market/book/test_l2.py",)),
    Target("wire/digits.py", ("tests/wire/test_digits.py",), ("tests/market/book/test_l2.py",)),
    Target("text.py", ("tests/test_text.py",), ("tests/faults/test_text.py",)),
    Target("files.py", ("tests/test_files.py",), ("tests/security/test_files.py",)),
    Target(
        "feed/connection/backoff.py",
        ("tests/feed/connection/test_table.py",),
        ("tests/feed/connection/test_budget_file.py",),
    ),
    Target(
        "feed/proof/stitcher.py",
        ("tests/feed/proof/test_stitcher.py", "tests/feed/proof/test_stitcher_resyncs.py"),
        ("tests/faults/test_book.py",),
    ),
    Target(
        "recording/format.py",
        ("tests/recording/test_format.py", "tests/recording/test_writer.py"),
        ("tests/recording/test_replay.py", "tests/faults/test_recording.py"),
    ),
    Target(
        "recording/chunks.py",
        ("tests/recording/test_chunks.py", "tests/recording/test_writer.py", "tests/recording/test_writer_edges.py"),
        ("tests/faults/test_recording.py",),
    ),
    Target(
        "recording/writer.py",
        ("tests/recording/test_writer.py", "tests/recording/test_writer_edges.py"),
        ("tests/faults/test_recording.py", "tests/recording/test_background.py"),
    ),
)
"""Modules of which every change is tried, with what is known to suffice."""

PACKAGES: dict[str, tuple[str, ...]] = {
    "feed": ("tests/faults", "tests/captures", "tests/engine/test_desk.py", "tests/engine/test_desk_markets.py"),
    "market": ("tests/faults/test_book.py", "tests/captures"),
    "wire": ("tests/market/book", "tests/captures", "tests/faults/test_frames.py"),
    "engine": ("tests/client",),
    "recording": ("tests/faults/test_recording.py", "tests/captures"),
    "outputs": ("tests/cli",),
    "settings": ("tests/cli", "tests/security/test_addresses.py"),
}
"""Package -> tests elsewhere that use it."""


def target_of(file: str) -> Target:
    """A module with its tests: as listed, else by the rule.

    Raises:
        ValueError: There is no such module, or nothing tests its package.
    """
    for listed in TARGETS:
        if listed.file == file:
            return listed
    path = ROOT / "kraken_tui" / file
    package = Path(file).parts[0]
    if not path.is_file() or not (ROOT / "tests" / package).is_dir():
        raise ValueError(f"there is no module {file}, or nothing tests its package")
    beside = ROOT / "tests" / Path(file).parent
    # A folder's __init__ holds its table; what tests the folder tests that.
    name = "" if path.stem == "__init__" else path.stem
    own = sorted(found for found in beside.glob(f"test_{name}*.py") if _is_of(found.stem, name))
    package_tests = sorted((ROOT / "tests" / package).rglob("test_*.py"))
    others = [_relative(found) for found in package_tests if found not in own]
    return Target(file, tuple(map(_relative, own)), (*others, *PACKAGES.get(package, ())))


def _is_of(test: str, name: str) -> bool:
    """Whether a test file is the module's, and not that of a module whose name goes on, such as pair and pair_view."""
    rest = test.removeprefix(f"test_{name}")
    return not name or rest == "" or rest.startswith("_")


def _relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def targets_of(package: str) -> list[Target]:
    """Every module of a package that holds more than names."""
    folder = ROOT / "kraken_tui" / package
    files = sorted(path.relative_to(ROOT / "kraken_tui") for path in folder.rglob("*.py") if path.stat().st_size > 200)
    return [target_of(str(file)) for file in files]
