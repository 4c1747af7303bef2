"""`kraken-tui doctor`: what can go wrong on the user's own machine.

Environment, sockets, certificates and files are tried on this computer; faults of the feed that play in virtual time
belong to the tests. Everything stays on loopback: only `--connect` dials an exchange, once.
"""
