import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.wire.text import REPLACEMENT, clean_text, safe_file_stem

NASTY = st.text(
    alphabet=st.one_of(
        st.characters(),
        st.sampled_from("\x1b\x07\x00\x7f\x9b\x9d\u200b\u200d\u202e\u2066\u2069\ufeff\u2028\u2029\u00ad\r\n\t[]"),
    )
)


@given(NASTY, st.integers(1, 300))
def test_result_is_inert(text: str, limit: int) -> None:
    cleaned = clean_text(text, limit)
    assert len(cleaned) <= limit
    for character in cleaned:
        assert unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
        assert not 0x80 <= ord(character) < 0xA0
        assert unicodedata.bidirectional(character) not in {
            "LRE",
            "RLE",
            "LRO",
            "RLO",
            "PDF",
            "LRI",
            "RLI",
            "FSI",
            "PDI",
        }
    cleaned.encode("utf-8")


@given(NASTY, st.integers(1, 300))
def test_idempotent(text: str, limit: int) -> None:
    once = clean_text(text, limit)
    assert clean_text(once, limit) == once


@given(st.text(alphabet=st.characters(whitelist_categories=("L", "N", "P", "S", "M", "Zs")), max_size=200))
def test_printable_text_stays(text: str) -> None:
    assert clean_text(text) == text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("BTC/USD", "BTC/USD"),
        ("a\x1b[31mb", f"a{REPLACEMENT}[31mb"),
        ("line\nbreak\ttab\r", "line break tab "),
        ("\u202eUSD", f"{REPLACEMENT}USD"),
        (b"caf\xc3\xa9\xff", f"café{REPLACEMENT}"),
        (12, "12"),
        (None, "None"),
        ("[bold red]x[/", "[bold red]x[/"),
        ("x" * 300, "x" * 199 + "…"),
    ],
)
def test_worked_examples(text: object, cleaned: str) -> None:
    assert clean_text(text) == cleaned


@given(NASTY)
def test_file_stem(text: str) -> None:
    stem = safe_file_stem(text)
    assert stem
    assert len(stem) <= 60
    assert all(c.isascii() and (c.isalnum() or c in "-_") for c in stem)
    assert not stem.startswith("-")


def test_file_stem_of_a_pair() -> None:
    assert safe_file_stem("BTC/USD") == "BTC-USD"
    assert safe_file_stem("../../etc/passwd") == "etc-passwd"
    assert safe_file_stem("…") == "unnamed"
