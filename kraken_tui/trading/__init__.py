"""Placing orders, which the program does only when started so, with a key that may, and once armed (ACCOUNT.md)."""
