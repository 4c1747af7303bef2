"""Live, checksum-proven Kraken order books: a terminal program, and its engine as a library."""

from kraken_tui._version import __version__

__all__ = ["__version__"]
