"""P14: the age on screen is never smaller than the true age by more than 250 ms, whatever the clocks do."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.rig.network import MS, SECOND
from tests.rig.world import World, thin

HOUR = 3600.0
STEPS = st.one_of(
    st.tuples(st.just("step"), st.one_of(st.floats(-2 * HOUR, 2 * HOUR), st.floats(-5, 5))),
    st.tuples(st.just("slew"), st.floats(-0.05, 0.05)),
    st.tuples(st.just("sleep"), st.one_of(st.floats(0.5, 20), st.floats(60, HOUR))),
    st.tuples(st.just("stand still"), st.floats(0.5, 20)),
    st.tuples(st.just("latency"), st.floats(1, 400)),
    st.tuples(st.just("wait"), st.floats(0.1, 20)),
)


class Watch:
    """A world whose ages are compared with the truth at every moment that passes."""

    def __init__(self, shift_s: float) -> None:
        self.slew = 0.0
        # The second pair is so quiet that its age is looked at for long.
        pairs = [thin("BTC/USD"), thin("ETH/USD", 0.05, like="ETH/USD")]
        self.world = World(pairs, seed=14, screen=True)
        self.world.wall_shift = round(shift_s * SECOND)
        self.compared = 0
        self.run(25)

    def run(self, seconds: float) -> None:
        while seconds > 0:
            moment = min(0.25, seconds)
            self.world.run(moment)
            self.world.wall_shift += round(self.slew * moment * SECOND)
            seconds -= moment
            self.look()

    def look(self) -> None:
        """Compare; the exchange's own clock is the truth."""
        world = self.world
        assert world.screen is not None
        for symbol in world.client.stitchers:
            shown = world.shown(symbol)
            changed = world.screen.by_symbol[symbol]._book_ns
            if shown.age_ns is None or changed is None:
                continue
            true = world.start_ns + world.now - changed
            self.compared += 1
            assert shown.age_ns >= true - 250 * MS, (
                f"{symbol}: {shown.age_ns / SECOND:.3f} s shown of {true / SECOND:.3f}"
            )

    def obey(self, kind: str, value: float) -> None:
        world = self.world
        if kind == "step":
            world.wall_shift += round(value * SECOND)
        elif kind == "slew":
            self.slew = value
        elif kind == "latency":
            world.weather.latency_ms = value
        elif kind == "wait":
            self.run(value)
        else:
            world.stand_still(value, frames_first=kind == "sleep")
        self.look()
        self.run(0.5)


# Found: a ping was on its way while the program stood still, and nothing told which of the ways took so long.
@example(0.0, [("stand still", 11.0), ("latency", 174.0), ("slew", 0.0), ("stand still", 1.0)])
@settings(max_examples=25)
@given(st.floats(-2 * HOUR, 2 * HOUR), st.lists(STEPS, min_size=1, max_size=6))
def test_p14_no_book_looks_younger_than_it_is(shift_s: float, steps: list[tuple[str, float]]) -> None:
    watch = Watch(shift_s)
    for kind, value in steps:
        watch.obey(kind, value)
    assert watch.compared > 100
