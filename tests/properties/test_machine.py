"""Exchange, network and client as one state machine: Hypothesis chooses faults and pauses, and shrinks what it finds.

The oracle of the rig judges every frame (P1 to P5, P10 to P12, P15); at the end, without faults, all must be
well again.
`python -m tests.rig.chaos` plays longer schedules in greater number.
"""

from __future__ import annotations

from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.rig.chaos import FAULTS, inflict, make_world
from tests.rig.world import World

# Schedules whose announced waits take a quarter of an hour are left to the command.
_QUICK = sorted(set(FAULTS) - {"checksum for ever", "stand still"})


class Feed(RuleBasedStateMachine):
    """One run."""

    world: World

    @initialize(seed=st.integers(0, 2**16))
    def begin(self, seed: int) -> None:
        self.world = make_world(seed)
        self.world.run(1)

    @rule(name=st.sampled_from(_QUICK), seed=st.integers(0, 2**16))
    def strike(self, name: str, seed: int) -> None:
        inflict(self.world, name, Random(seed))

    @rule(seconds=st.sampled_from((0.1, 0.6, 3.0, 8.0)))
    def wait(self, seconds: float) -> None:
        self.world.run(seconds)

    @rule()
    def heal(self) -> None:
        self.world.heal()

    @invariant()
    def judged(self) -> None:
        if hasattr(self, "world"):
            self.world.oracle.look()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.converge()


TestFeed = Feed.TestCase
TestFeed.settings = settings(max_examples=40, stateful_step_count=12, deadline=None)
