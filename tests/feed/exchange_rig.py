"""A session against the local exchange without sockets, both on one virtual clock."""

from __future__ import annotations

from tests.rig.bench import ExchangeRig

__all__ = ["ExchangeRig"]
