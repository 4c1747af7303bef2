"""A whole session that stands, for the tests of it."""

from __future__ import annotations

import pytest
from feed_harness import Rig
from session_rig import live

from kraken_tui.feed.machine import State


@pytest.fixture
def up() -> Rig:
    rig = Rig("BTC/USD", "ETH/USD")
    rig.run(5)
    assert rig.session.state is State.SUBSCRIBED
    assert live(rig, "BTC/USD", "ETH/USD")
    return rig
