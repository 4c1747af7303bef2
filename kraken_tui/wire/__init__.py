"""Kraken's language: bytes to typed messages and back, with exact digits. Pure."""
