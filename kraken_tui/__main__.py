"""`python -m kraken_tui` is the same as `kraken-tui`."""

from kraken_tui.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
