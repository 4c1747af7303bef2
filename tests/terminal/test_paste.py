"""Pastes in the input, on a clock of the test's own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.terminal.paste import END, MOST, PATIENCE_S, START, Pasted, Pastes


def told(parts: list[str]) -> tuple[str, list[str]]:
    """What was typed, without the marks, and the pastes."""
    typed = "".join(part for part in parts if not isinstance(part, Pasted))
    return typed.replace(START, "").replace(END, ""), [part for part in parts if isinstance(part, Pasted)]


@given(st.lists(st.sampled_from(["a", "\x1b", "[", "2", "\x1b[31m", "q", "é"]), max_size=20), st.integers(1, 9))
def test_however_the_stream_is_cut_a_paste_comes_out_whole(pieces: list[str], step: int) -> None:
    inside = "".join(pieces)
    stream = "jk" + START + inside + END + "j"
    pastes, parts = Pastes(), []
    for at in range(0, len(stream), step):
        parts += pastes.feed(stream[at : at + step], 1.0)
    assert told(parts) == ("jkj", [inside])
    assert not pastes.is_open


def test_a_lost_end_is_not_waited_for_and_typing_does_not_prolong_it() -> None:
    pastes = Pastes()
    pastes.feed(START + "text", 0.0)
    for tenth in range(1, 20):
        assert pastes.feed("q", tenth / 10) == []
        assert pastes.tick(tenth / 10) == []
    assert told(pastes.tick(PATIENCE_S + 0.1)) == ("", ["text" + "q" * 19])
    assert pastes.feed("j", PATIENCE_S + 0.2) == ["j"]


def test_a_paste_that_flows_is_waited_for() -> None:
    pastes = Pastes()
    pastes.feed(START, 0.0)
    for second in range(1, 60):
        pastes.feed("x" * 100, float(second))
        assert pastes.tick(float(second)) == []
    assert pastes.tick(62.0) != []


@pytest.mark.parametrize("key", ["\x03", "\x1b[99;5u", "\x03\x03"])
def test_c08_ctrl_c_is_always_heard(key: str) -> None:
    pastes = Pastes()
    pastes.feed(START + "text", 0.0)
    assert told(pastes.feed(key, 1.0)) == (key, ["text"])
    assert not pastes.is_open


def test_c08_the_same_character_within_a_paste_is_not_ctrl_c() -> None:
    pastes = Pastes()
    pastes.feed(START + "text", 0.0)
    assert pastes.feed("\x03", 0.001) == []
    assert told(pastes.feed(END, 0.002)) == ("", ["text\x03"])


def test_a_paste_without_end_takes_bounded_memory() -> None:
    pastes = Pastes()
    pastes.feed(START, 0.0)
    for _ in range(50):
        pastes.feed("x" * 100_000, 0.0)
        assert len(pastes._text) <= 2 * MOST
    assert len(told(pastes.feed(END, 0.0))[1][0]) == MOST
