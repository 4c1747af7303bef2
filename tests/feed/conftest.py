"""A whole session that stands, for the tests of it."""

from __future__ import annotations

import pytest

from kraken_tui.feed.connection.table import State
from tests.feed.session_rig import live
from tests.rig.bench import Rig


@pytest.fixture
def up() -> Rig:
    rig = Rig("BTC/USD", "ETH/USD")
    rig.run(5)
    assert rig.session.state is State.SUBSCRIBED
    assert live(rig, "BTC/USD", "ETH/USD")
    return rig
