import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.text import REPLACEMENT, clean_text, safe_file_stem

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
        ("x" * 201, "x" * 199 + "…"),
        ("x" * 200, "x" * 200),
        ("🐙".encode() * 201, "🐙" * 199 + "…"),
        ("🐙".encode() * 200, "🐙" * 200),
    ],
)
def test_worked_examples(text: object, cleaned: str) -> None:
    assert clean_text(text) == cleaned


RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
SYMBOLS = st.one_of(
    NASTY,
    st.from_regex(r"[A-Za-z0-9.]{1,6}/[A-Za-z0-9.]{1,6}", fullmatch=True),
    st.sampled_from(["CON", "nul", "com1", "..", "../../x", "a/b", "A/B", "a-b", "x" * 300, "\udc9b", "", "A/B/C"]),
)


@given(SYMBOLS)
def test_file_stem(text: str) -> None:
    """A path stays in its folder, under any system's rules for names (RELIABILITY.md P20, F85)."""
    stem = safe_file_stem(text)
    assert 0 < len(stem) <= 60
    assert all(c.isascii() and (c.isalnum() or c in "-_") for c in stem)
    assert not stem.startswith("-")
    assert stem.lower() not in RESERVED


@given(st.lists(SYMBOLS, unique=True, max_size=8))
def test_distinct_symbols_have_distinct_files_even_where_case_is_ignored(symbols: list[str]) -> None:
    assert len({safe_file_stem(symbol).lower() for symbol in symbols}) == len(symbols)


def test_file_stem_of_a_pair() -> None:
    assert safe_file_stem("BTC/USD") == "BTC-USD"
    assert safe_file_stem("1INCH/EUR") == "1INCH-EUR"
    assert safe_file_stem("../../etc/passwd").startswith("etc-passwd_")
    assert safe_file_stem("…").startswith("unnamed_")
    every = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    assert safe_file_stem(f"{every}/{every[:23]}") == f"{every}-{every[:23]}", "sixty characters are not too many"
    longer = safe_file_stem(f"{every}/{every[:24]}")
    assert longer.startswith(f"{every}-{every[:6]}_")
    assert len(longer) == 60
    assert safe_file_stem("btc/usd").lower() != safe_file_stem("BTC/USD").lower()
