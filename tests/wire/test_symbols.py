import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_tui.errors import InvalidMessage, InvalidNumber, UnknownPair
from kraken_tui.wire.messages import PairData
from kraken_tui.wire.symbols import PairSpec, SymbolTable, canonical, guesses, is_clean

SYMBOLS = (
    "BTC/USD", "ETH/USD", "DOGE/USD", "XRP/EUR", "ETH/BTC", "BTC/EUR", "DOGE/BTC", "XTZ/USD", "ZRX/USD",
    "XLM/USD", "XMR/BTC", "USDT/ZUSD", "MINA/GBP", "SOL/USD", "ETC/ETH", "LTC/JPY", "XCN/USD",
)  # fmt: skip


@pytest.fixture
def table() -> SymbolTable:
    return SymbolTable(SYMBOLS)


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("BTC/USD", "BTC/USD"),
        ("btc/usd", "BTC/USD"),
        ("btcusd", "BTC/USD"),
        ("BTC-USD", "BTC/USD"),
        ("btc_usd", "BTC/USD"),
        ("btc usd", "BTC/USD"),
        ("XBT/USD", "BTC/USD"),
        ("xbtusd", "BTC/USD"),
        ("XXBTZUSD", "BTC/USD"),
        ("XDG/USD", "DOGE/USD"),
        ("xdg-usd", "DOGE/USD"),
        ("XDGUSD", "DOGE/USD"),
        ("XXDGXXBT", "DOGE/BTC"),
        ("XXRPZEUR", "XRP/EUR"),
        ("XETHXXBT", "ETH/BTC"),
        ("XETHZUSD", "ETH/USD"),
        ("XXLMZUSD", "XLM/USD"),
        ("XXMRXXBT", "XMR/BTC"),
        ("XETCXETH", "ETC/ETH"),
        ("XLTCZJPY", "LTC/JPY"),
        ("XTZUSD", "XTZ/USD"),
        ("ZRXUSD", "ZRX/USD"),
        ("xcnusd", "XCN/USD"),
        ("mina/gbp", "MINA/GBP"),
    ],
)
def test_all_spellings(table: SymbolTable, name: str, symbol: str) -> None:
    assert table.resolve(name) == symbol


@pytest.mark.parametrize("name", SYMBOLS)
def test_own_name_wins(table: SymbolTable, name: str) -> None:
    for spelling in (name, name.lower(), name.replace("/", ""), name.replace("/", "-")):
        assert table.resolve(spelling) == name


@pytest.mark.parametrize("symbols", [("USDT/USD", "USD/TUSD"), ("USD/TUSD", "USDT/USD")])
def test_pairs_of_the_same_letters_are_not_mistaken_for_each_other(symbols: tuple[str, str]) -> None:
    table = SymbolTable(symbols)
    assert len(table) == 2
    for symbol in symbols:
        for spelling in (symbol, symbol.lower(), symbol.replace("/", "-")):
            assert table.resolve(spelling) == symbol
    assert set(table.search("usdt")) == set(symbols)
    with pytest.raises(UnknownPair) as caught:
        SymbolTable(symbols[:1]).resolve(symbols[1])
    assert caught.value.nearest == symbols[:1]


def test_unknown_names_the_nearest(table: SymbolTable) -> None:
    with pytest.raises(UnknownPair, match="nearest") as caught:
        table.resolve("BTC/USX")
    assert "BTC/USD" in caught.value.nearest
    with pytest.raises(UnknownPair, match=r"nor one with a name like it$"):
        table.resolve("QQQQQQQQQQ")


def test_unknown_is_cleaned() -> None:
    with pytest.raises(UnknownPair) as caught:
        SymbolTable().resolve("\x1b]0;evil\x07")
    assert "\x1b" not in str(caught.value)
    assert "\x1b" not in caught.value.name


@given(st.text(max_size=30))
def test_any_name_resolves_or_is_unknown(name: str) -> None:
    table = SymbolTable(SYMBOLS)
    try:
        found = {table.resolve(name)}
    except UnknownPair as unknown:
        found = set(unknown.nearest)
    assert found <= set(SYMBOLS)


def test_search(table: SymbolTable) -> None:
    assert table.search("btc")[:2] == ["BTC/EUR", "BTC/USD"]
    assert set(table.search("btc")) == {"BTC/USD", "BTC/EUR", "ETH/BTC", "DOGE/BTC", "XMR/BTC"}
    assert table.search("xbt")[0] == "BTC/EUR"
    assert table.search("usd", limit=2) == ["USDT/ZUSD", "BTC/USD"]
    assert len(table.search("")) == len(SYMBOLS)


def test_add_twice(table: SymbolTable) -> None:
    table.add("BTC/USD")
    assert len(table) == len(SYMBOLS)


@pytest.mark.parametrize(
    ("name", "symbol"),
    [("xbt/usd", "BTC/USD"), (" XDG-eur ", "DOGE/EUR"), ("btcusd", "BTCUSD"), ("SOL/USD", "SOL/USD")],
)
def test_canonical(name: str, symbol: str) -> None:
    assert canonical(name) == symbol


def pair(increment: object) -> PairData:
    return PairData("X/Y", "X", "Y", "online", 4, 8, price_increment=increment)


@pytest.mark.parametrize(
    ("increment", "ticks"), [(None, 1), ("0.0001", 1), ("1e-04", 1), ("0.0005", 5), ("0.01", 100), (1, 10_000)]
)
def test_increment(increment: object, ticks: int) -> None:
    assert PairSpec.from_wire(pair(increment)).increment == ticks


def test_increment_finer_than_the_precision() -> None:
    with pytest.raises(InvalidNumber):
        PairSpec.from_wire(pair("0.00001"))


@pytest.mark.parametrize("precision", [-1, 21, 10**9])
def test_a_precision_that_is_none_is_refused(precision: int) -> None:
    for price, qty in ((precision, 8), (8, precision)):
        with pytest.raises(InvalidMessage, match="decimals"):
            PairSpec.from_wire(PairData("A/B", "A", "B", "online", price, qty))


def test_only_what_was_told_differs_from_the_usual() -> None:
    spec = PairSpec("A/B", "A", "B", 1, 8)
    assert (spec.increment, spec.status, spec.assumed, spec.tokenised) == (1, "online", False, False)
    assert PairSpec.from_wire(PairData("A/B", "A", "B", "online", 1, 8)) == spec
    assert PairSpec.from_wire(PairData("A/B", "A", "B", "online", 1, 8), tokenised=True).tokenised is True


def test_a_step_of_nothing_is_one_tick() -> None:
    assert PairSpec.from_wire(pair("0")).increment == 1
    assert PairSpec.from_wire(pair(0)).increment == 1


@pytest.mark.parametrize("precision", [0, 20])
def test_precisions_at_the_edge_are_taken(precision: int) -> None:
    spec = PairSpec.from_wire(PairData("A/B", "A", "B", "online", precision, precision))
    assert (spec.price_precision, spec.qty_precision) == (precision, precision)


@pytest.mark.parametrize(
    ("symbol", "clean"),
    [
        ("", False),
        ("A", True),
        ("A" * 40, True),
        ("A" * 41, False),
        ("A\x1b", False),
        ("A\u202eB", False),
        ("A/B", True),
    ],
)
def test_which_names_can_be_shown_as_they_are(symbol: str, clean: bool) -> None:
    assert is_clean(symbol) is clean
    data = PairData(symbol, "A", "B", "online", 1, 8)
    if clean:
        assert PairSpec.from_wire(data).symbol == symbol
    else:
        with pytest.raises(InvalidMessage, match="no name for a pair"):
            PairSpec.from_wire(data)


@pytest.mark.parametrize(
    ("name", "symbols"),
    [
        ("xbt/usd", ("BTC/USD",)),
        ("btcusd", ("BTC/USD",)),
        ("XXBTZUSD", ("XXBTZ/USD", "BTC/USD", "BTCZ/USD")),
        ("ethusdt", ("ETH/USDT",)),
        ("ethxbt", ("ETH/BTC",)),
        ("btceth", ("BTC/ETH",)),
        ("usd", ("USD",)),
        ("foo", ("FOO",)),
        ("", ("",)),
    ],
)
def test_what_a_name_may_mean_without_a_list(name: str, symbols: tuple[str, ...]) -> None:
    assert guesses(name) == symbols


@pytest.mark.parametrize("name", ["/btcusd", "b/tcusd", "btcusd/", "xbt", "xxbt"])
def test_a_name_that_is_split_elsewhere_or_of_one_asset_is_no_pair(name: str) -> None:
    with pytest.raises(UnknownPair):
        SymbolTable(("BTC/USD", "BTC/BTC")).resolve(name)


def test_three_names_are_suggested_and_fifty_listed() -> None:
    table = SymbolTable(f"ABC{number:02}/USD" for number in range(60))
    assert len(table.nearest("ABC99/USD")) == 3
    assert len(table.nearest("ABC99/USD", 5)) == 5
    assert len(table.search("abc")) == 50
    assert len(table.search("abc", 51)) == 51
