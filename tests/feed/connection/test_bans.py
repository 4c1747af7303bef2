"""Which refusals mean that nobody should dial for a while."""

from __future__ import annotations

import pytest

from kraken_tui.feed.connection.failures import is_ban


@pytest.mark.parametrize(
    ("status", "cause", "ban"),
    [
        (403, "host answered HTTP 403 Forbidden", True),
        (429, "host answered HTTP 429 Too Many Requests", True),
        (503, "host bans this address for now (HTTP 503, edge error 1015)", True),
        (503, "host answered HTTP 503 Service Unavailable", False),
        (503, "host10150 answered HTTP 503 Service Unavailable", False),
        (None, "closed with 1015", False),
    ],
)
def test_what_means_a_ban(status: int | None, cause: str, ban: bool) -> None:
    assert is_ban(status, cause) is ban
