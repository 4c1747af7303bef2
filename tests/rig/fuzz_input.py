"""Fuzz target z6: bytes that a terminal sends, through the program's own reader into the program's own screen."""

from __future__ import annotations

from random import Random

from tests.rig.screen import PAIRS, ScreenRig

NONSENSE = {
    "no utf-8": b"\xff",
    "half a character": b"\xe2\x82",
    "only continuations": b"\x80\xbf\x80",
    "half a sequence": b"\x1b[",
    "half a mouse report": b"\x1b[<0;3",
    "an unasked clipboard": b"\x1b]52;c;AAAA",
    "half a device string": b"\x1bP1$r",
    "a mouse far away": b"\x1b[<999;999999;9999999M",
    "a mouse before the start": b"\x1b[<0;-5;0M",
    "no size at all": b"\x1b[48;0;0;0;0t",
    "modes nobody has": b"\x1b[?2026;9$y\x1b[?9999;1$y",
    "keys nobody has": b"\x1b[99999;9999u\x1b[57358;;1114112u\x1b[1:2:3;4:5u",
    "zeros": b"\0" * 100,
    "a large paste": b"\x1b[200~" + b"q" * 200_000 + b"\x1b[201~",
    "a paste full of sequences": b"\x1b[200~\x1b[48;1;1;1;1t\xff\x1b[<0;1;1M\x1b[201~",
}
"""What terminals send that no person typed."""

CORPUS = (
    *(data for data in NONSENSE.values() if len(data) < 1000),
    *(
        b"\x1b[A",
        b"\x1bOP",
        b"\x1b[1;5D",
        b"\x1b[15~",
        b"\x1b[Z",
        b"\x1b\x1b",
        b"\x1b\x1b[A",
        b"\x1bO",
        b"\x1b[1;",
        b"\x7f",
    ),
    *(b"\x1b[<0;10;10M", b"\x1b[<0;10;10m", b"\x1b[<64;5;5M", b"\x1b[<35;80;24M", b"\x1b[M !!", b"\x1b[I", b"\x1b[O"),
    *(b"\x1b[200~", b"\x1b[201~", b"\x1b[48;40;120;800;1600t", b"\x1b[?2048;2$y", b"\x1b[?1;2c", b"\x1b[24;80R"),
    *(
        b"\x1b]11;rgb:0000/0000/0000\x1b\\",
        b"\x1b_Gi=1;OK\x1b\\",
        b"\x9b1m",
        b"\xc2\x9b2J",
        b"\x1b[97;5u",
        b"\x1b[57441u",
    ),
    *(bytes([code]) for code in b"123/jk+-dDv[]cpRsyt?mo \t\r\x10\x00\x01\x1a"),
    *("é漢🦑\u202e\u200b".encode(), b"\xf0\x9f", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"),
)

_rigs: list[ScreenRig] = []


def z6_terminal_input(rng: Random, _: list[bytes]) -> None:
    """Any bytes from the terminal: the program lives, quits only by its keys, and hears the next key."""
    rig = _rig()
    try:
        _one(rng, rig)
    except BaseException:
        # What is left of it would fail the next input too.
        _rigs.clear()
        rig.close()
        raise


def _one(rng: Random, rig: ScreenRig) -> None:
    heard, quits = len(rig.driver.heard), rig.app.quits
    for _ in range(rng.randint(1, 6)):
        data = _bytes(rng)
        while data:
            cut = rng.choice((len(data), len(data), rng.randint(1, len(data))))
            rig.type(data[:cut], rng.choice((0.0, 0.01, 0.2)))
            data = data[cut:]
        rig.turn()
    if rig.app.quits > quits:
        assert {"q", "ctrl+q", "ctrl+c"} & set(rig.driver.heard[heard:]), "it quits by itself"
    # A paste whose end was lost is over by now, and so is a flood of keys.
    rig.type(b"", 3.0)
    # What is asked comes first: a key that arrives while a dialog is about to close is the dialog's.
    for _ in range(4):
        rig.settle()
        rig.type(b"\x1b", 0.3)
    rig.settle()
    assert rig.app.screen is rig.app.main, "Escape is lost"
    key, symbol = (b"1", PAIRS[0]) if rig.app.main.symbol != PAIRS[0] else (b"2", PAIRS[1])
    rig.type(key)
    assert rig.wait(lambda: rig.app.main.symbol == symbol), "the next key is lost"
    rig.driver.heard.clear()


def _bytes(rng: Random) -> bytes:
    data = b"".join(rng.choice(CORPUS) for _ in range(rng.randint(1, 5)))
    for _ in range(rng.choice((0, 0, 1, 1, 3))):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(4)
        if kind == 0:
            data = data[:at]
        elif kind == 1:
            data = data[:at] + rng.randbytes(rng.randint(1, 6)) + data[at:]
        elif kind == 2:
            data = data[:at] + data[at + 1 :]
        else:
            data = data[:at] + str(rng.choice((0, 1, 2**31, 2**63, 10**30))).encode() + data[at:]
    return data


def _rig() -> ScreenRig:
    if not _rigs:
        _rigs.append(ScreenRig(6))
        _rigs[0].driver.resize(80, 24)
        _rigs[0].settle()
    return _rigs[0]


def close() -> None:
    """End the program that all inputs went to."""
    while _rigs:
        _rigs.pop().close()
