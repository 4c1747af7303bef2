"""Random schedules under faults; `python -m tests.rig.orders` plays 10,000 of them."""

from __future__ import annotations

import pytest

from tests.rig.orders import Schedule

SEEDS = 500
_PART = 25


@pytest.mark.parametrize("first", range(0, SEEDS, _PART))
def test_no_order_is_doubled_lost_or_misstated(first: int) -> None:
    for seed in range(first, first + _PART):
        try:
            Schedule(seed).run()
        except Exception as error:
            raise AssertionError(f"python -m tests.rig.orders --from {seed} --seeds 1 --show") from error
