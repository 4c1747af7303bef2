"""`kraken-tui doctor`: faults played against this very installation, and what it did about them.

Everything happens on loopback or in virtual time; only `--connect` speaks to an exchange, with one dial.
"""
