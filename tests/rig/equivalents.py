"""Changes that no test can notice, each with the reason: they are the same program, or only a slower one."""

from __future__ import annotations

EQUIVALENT: dict[str, dict[str, str]] = {}
"""File below kraken_tui -> name of the change (`operators.Change.key`) -> why nothing is different."""
