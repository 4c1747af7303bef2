"""The screen in a browser: one feed in this process, and one screen, a process of its own, for every visitor.

A visitor's process dials the relay of this one as if it were the exchange, and proves every book again; it holds no
connection of its own to the outside, and writes no file.
"""
