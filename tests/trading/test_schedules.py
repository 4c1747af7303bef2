"""Random schedules under the exchange's faults; `python -m tests.rig.trading` plays 10,000 of them."""

from __future__ import annotations

import pytest

from tests.rig.trading import Run

SEEDS = 100
_PART = 20


@pytest.mark.parametrize("first", range(0, SEEDS, _PART))
def test_no_order_is_doubled_lost_or_misstated(first: int) -> None:
    for seed in range(first, first + _PART):
        try:
            Run(seed).run()
        except Exception as error:
            raise AssertionError(f"python -m tests.rig.trading --from {seed} --seeds 1 --show") from error
