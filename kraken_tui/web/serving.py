"""How a server was asked to serve."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Serving:
    """How to serve.

    Attributes:
        host: IP address to listen on.
        port: Port; 0 for any that is free.
        public: See `Guard`.
        token: See `Guard`.
        visitors: Most of them at one time.
    """

    host: str
    port: int
    public: str
    token: str
    visitors: int
