"""The table of options: one row says everything about one setting.

The command line, the environment, the settings file and the library all read `OPTIONS`, so a new option is one row
here and one field of `Settings`, which holds its default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from kraken_tui.errors import ConfigurationError
from kraken_tui.settings import (
    DEPTHS,
    GROUPINGS,
    HEAT_SCALES,
    INTERVALS,
    LEVEL3_DEPTHS,
    PULL_WINDOWS,
    RECENTRES,
    WEIGHINGS,
    Settings,
)
from kraken_tui.settings.amounts import Amounts
from kraken_tui.settings.readers import (
    Anything,
    Ascending,
    Between,
    FileName,
    KafkaBrokers,
    KeyName,
    ListenAddress,
    Number,
    Numbers,
    OneOf,
    PairCount,
    PairList,
    Reader,
    RestAddress,
    Rule,
    SizeOrTime,
    StartTime,
    Switch,
    Text,
    TopicPrefix,
    WebSocketAddress,
    Whole,
    WrongValue,
)
from kraken_tui.settings.themes import ThemeName, ThemeText

ENV_PREFIX = "KRAKEN_TUI_"
WATCHING = ("screen", "stream", "snapshot", "plot")
"""Commands that watch a market; all of them take the options that say which, and from where."""

RECORDERS = (*WATCHING, "publish")
"""The same and `publish`, which takes more pairs than a screen has tabs, and reads from Kafka from nobody."""

SHOWING = (*WATCHING, "serve")
"""Those that watch and `serve`, whose visitors do."""

MARKET = (*RECORDERS, "serve")
"""All of them."""

DRAWN = ("screen", "snapshot", "plot", "serve")
"""Those of them that draw."""

FOLLOWERS = ("screen", "stream", "snapshot")
"""Those of them that follow single orders and the account."""

MARKETS = "markets"
TRADING = "trading"
SOURCE = "source"
KAFKA = "Kafka"
RECORDING = "recording"
SCREEN = "screen"
FIGURES = "figures"
OUTPUT = "output"
ACCOUNT = "account"

SECTIONS = {
    MARKETS: "which books, and how much of them",
    SOURCE: "where the frames come from",
    KAFKA: "what publishers write, as the source",
    RECORDING: "raw frames in a file",
    SCREEN: "what is drawn, and how often",
    FIGURES: "from when on something counts as large, and what is summed how",
    OUTPUT: "where log, metrics and pictures go",
    TRADING: "whether orders can be placed, and how far they may go",
    ACCOUNT: "single orders and the account, and with which key",
}
"""Parts of the help, the settings file and the manual, in their order, each with what it is about."""


class Option(NamedTuple):
    """One option.

    Attributes:
        name: Field of `Settings`, TOML key and, in capitals after `ENV_PREFIX`, environment variable.
        reader: Reads its type.
        help: Help text of the command line; {allowed} and {default} are filled in.
        rule: Which values are allowed.
        flag: Spelling on the command line; without dashes it is a positional argument, "" for none.
        metavar: Name of the value in help; "" for a switch.
        commands: Commands that take it.
        const: What the switch sets.
        source: Whether it says where the frames come from; only one such option can hold.
        library: Whether `KrakenClient` takes it.
        library_rule: Which values the library allows, if others.
        default: Default of an option of a single command, which is not a field of `Settings`.
        required: Whether the command line must name it.
        section: Part of the help it stands in, one of `SECTIONS`; "" for options of a single command.
        about: What it says in a settings file, where `help` is about a switch that turns it off.
        example: A value in TOML, of a setting that has none by default.
        choices: The values there are, for whoever completes or explains them, where the rule does not list them.
        single: Whether a positional argument is one word that may be left out, instead of any number.
    """

    name: str
    reader: Reader
    help: str
    rule: Rule = Anything()
    flag: str = ""
    metavar: str = ""
    commands: tuple[str, ...] = ()
    const: bool = True
    source: bool = False
    library: bool = False
    library_rule: Rule | None = None
    default: Any = None
    required: bool = False
    section: str = ""
    about: str = ""
    example: str = ""
    choices: Callable[[], Iterable[str]] | None = None
    single: bool = False

    @property
    def positional(self) -> bool:
        """Whether it is an argument without a flag."""
        return not self.flag.startswith("-")

    @property
    def values(self) -> tuple[str, ...]:
        """The values it takes, if they can be listed."""
        if self.choices is not None:
            return tuple(self.choices())
        return tuple(map(str, self.rule.allowed)) if isinstance(self.rule, OneOf) else ()

    @property
    def variable(self) -> str:
        """Environment variable."""
        return ENV_PREFIX + self.name.upper()

    @property
    def shown(self) -> str:
        """How a message about the command line calls it."""
        return self.flag or self.name

    def from_text(self, text: str) -> Any:
        """Read and check a text of the command line or the environment.

        Raises:
            WrongValue: It is not allowed.
        """
        return self.checked(self.reader.text(text))

    def from_toml(self, value: Any) -> Any:
        """Read and check a value of a TOML file.

        Raises:
            WrongValue: It is not allowed.
        """
        return self.checked(self.reader.toml(value))

    def from_value(self, value: Any) -> Any:
        """Read and check an argument of a program.

        Raises:
            WrongValue: It is not allowed.
        """
        read = self.reader.value(value)
        (self.library_rule or self.rule)(read)
        return read

    def from_command_line(self, given: Any) -> Any:
        """Read and check what argparse found.

        Args:
            given: A text, or the value of a switch, or the pairs as a tuple.

        Raises:
            ConfigurationError: It is not allowed.
        """
        try:
            return self.from_text(given) if isinstance(given, str) else self.checked(given)
        except WrongValue as wrong:
            words = f": {wrong.detail}" if wrong.detail else f" {wrong}"
            raise ConfigurationError(f"{self.shown}{words}") from None

    def checked(self, value: Any) -> Any:
        """The value, if it is allowed.

        Raises:
            WrongValue: It is not.
        """
        self.rule(value)
        return value


_PAIR = "pair such as BTC/USD, btcusd or XXBTZUSD"

OPTIONS: tuple[Option, ...] = (
    Option(
        "pairs", PairList(), f"{_PAIR} (default {{default}})", PairCount(1, 1000),
        flag="PAIR", commands=SHOWING,
        # As many as were measured (docs/PERFORMANCE.md); a program may add them later.
        library=True, library_rule=PairCount(0, 1000), section=MARKETS,
    ),
    Option(
        "demo", Switch(), "watch a simulated local exchange instead of Kraken",
        flag="--demo", commands=MARKET, source=True, library=True, section=SOURCE,
    ),
    Option(
        "demo_seed", Whole(), "seed of the simulated market (default {default})", Between(0, 2**53),
        flag="--seed", metavar="N", commands=MARKET, library=True, section=SOURCE,
    ),
    Option(
        "demo_episodes", Switch(), "simulated market without its episodes (a lost proof, a halt, a stale feed)",
        flag="--no-demo-episodes", commands=("screen",), const=False,
        about="whether the simulated market shows its episodes: a lost proof, a halt, a stale feed",
        section=SOURCE,
    ),
    Option(
        "replay", FileName(), "play a recording instead of the live feed (default pairs: all it holds)",
        flag="--replay", metavar="FILE", commands=MARKET, source=True, library=True,
        section=SOURCE, example='"day.jsonl.zst"',
    ),
    Option(
        "kafka", Text(), "read what kraken-tui publish writes to these brokers, HOST:PORT[,HOST:PORT]",
        KafkaBrokers(), flag="--kafka", metavar="HOST:PORT", commands=SHOWING, source=True, library=True,
        section=KAFKA, example='"127.0.0.1:9092"',
    ),
    Option(
        "at", Text(), "begin a replay at TIME: 14:03:10, 2026-11-28T14:03:10Z or +90 (seconds from its start); with "
        "--kafka play from TIME: 2026-11-28T09:30:00Z, or 2h for two hours ago", StartTime(),
        flag="--at", metavar="TIME", commands=SHOWING, library=True, section=SOURCE, example='"14:03:10"',
    ),
    Option(
        "kafka_topic_prefix", Text(), "what the Kafka topics begin with (default {default})", TopicPrefix(),
        flag="--kafka-topic-prefix", metavar="NAME", commands=MARKET, library=True, section=KAFKA,
    ),
    Option(
        "kafka_config", FileName(), "further settings of the Kafka client, such as its password, one key=value a line",
        flag="--kafka-config", metavar="FILE", commands=MARKET, library=True, section=KAFKA, example='"kafka.conf"',
    ),
    Option(
        "speed", Number(), "replay speed; 1 is real time, 0 as fast as possible (default {default})",
        Between(0, 10_000), flag="--speed", metavar="X", commands=MARKET, library=True, section=SOURCE,
    ),
    Option(
        "record", FileName(), "append the raw frames to FILE (.gz or .zst compresses)",
        flag="--record", metavar="FILE", commands=RECORDERS, library=True, section=RECORDING, example='"day.jsonl.zst"',
    ),
    Option(
        "record_rotate", SizeOrTime(), "go on in a new numbered file after a size or a time, such as 100MB or 1h",
        flag="--record-rotate", metavar="SIZE|TIME", commands=RECORDERS, section=RECORDING, example='"100MB"',
    ),
    Option(
        "depth", Whole(), "book depth: {allowed} (default {default})", OneOf(DEPTHS),
        flag="--depth", metavar="N", commands=MARKET, library=True, section=MARKETS,
    ),
    Option(
        "interval", Whole(), "candle interval in minutes: {allowed} (default {default})", OneOf(INTERVALS),
        flag="--interval", metavar="MIN", commands=MARKET, library=True, section=MARKETS,
    ),
    Option(
        "url", Text(), "WebSocket address; wss:// anywhere, ws:// on this computer only", WebSocketAddress(),
        flag="--url", metavar="URL", commands=MARKET, source=True, library=True, section=SOURCE,
    ),
    Option(
        "rest_url", Text(), "REST address, without a path", RestAddress(),
        flag="--rest-url", metavar="URL", commands=(*MARKET, "keys"), library=True, section=SOURCE,
    ),
    Option(
        "level3", Switch(), "follow the single orders behind the books, which needs a key or --demo",
        flag="--level3", commands=FOLLOWERS, library=True, section=ACCOUNT,
    ),
    Option(
        "level3_depth", Whole(), "price levels a side of them: {allowed} (default {default})", OneOf(LEVEL3_DEPTHS),
        flag="--level3-depth", metavar="N", commands=FOLLOWERS, library=True, section=ACCOUNT,
    ),
    Option(
        "account", Switch(), "follow the account: orders, fills, balances; needs a key or --demo",
        flag="--account", commands=FOLLOWERS, library=True, section=ACCOUNT,
    ),
    Option(
        "private", Switch(), "follow neither by itself; otherwise the screen does with --demo, and with a key",
        flag="--no-private", commands=("screen", "snapshot"), const=False, section=ACCOUNT,
        about="whether the screen follows both by itself, with --demo and with a key",
    ),
    Option(
        "level3_url", Text(), "WebSocket address of the single orders", WebSocketAddress(empty=True),
        flag="--level3-url", metavar="URL", commands=FOLLOWERS, library=True, section=ACCOUNT,
        example='"wss://ws-l3.kraken.com/v2"',
    ),
    Option(
        "account_url", Text(), "WebSocket address of the account", WebSocketAddress(empty=True),
        flag="--account-url", metavar="URL", commands=FOLLOWERS, library=True, section=ACCOUNT,
        example='"wss://ws-auth.kraken.com/v2"',
    ),
    Option(
        "key_name", Text(), "which of the stored API keys (default: that of the environment, or the only one)",
        KeyName(), flag="--key", metavar="NAME", commands=("keys", *FOLLOWERS), library=True, section=ACCOUNT,
        example='"desk"',
    ),
    Option(
        "allow_withdraw_key", Switch(), "use a key that may withdraw all the same: whoever gets hold of it can take "
        "all the money of the account", flag="--allow-withdraw-key", commands=("keys", *FOLLOWERS), section=ACCOUNT,
    ),
    Option(
        "trade", Switch(), "allow placing orders, once the key for it is pressed; needs a key that may, or --demo",
        flag="--trade", commands=("screen",), section=TRADING, library=True,
    ),
    Option(
        "paper", Switch(), "practise: orders are simulated against the public book, and no account is used",
        flag="--paper", commands=("screen",), section=TRADING, library=True,
    ),
    Option(
        "trade_max_worth", Text(), "largest price times quantity of an order, by quote asset; others are refused",
        Amounts(), section=TRADING, library=True,
    ),
    Option(
        "trade_max_size", Text(), "largest order by base asset, in its units", Amounts(), section=TRADING,
        library=True, example='"0.05 BTC, 1 ETH"',
    ),
    Option(
        "trade_max_open", Whole(), "most open orders of the account", Between(1, 225), section=TRADING, library=True,
    ),
    Option(
        "trade_band_pct", Number(), "farthest price from the middle, percent of it", Between(0.01, 50),
        section=TRADING, library=True,
    ),
    Option(
        "trade_protection_pct", Number(), "how far beyond the touch a market order may go, percent",
        Between(0.01, 5), section=TRADING,
    ),
    Option(
        "trade_idle_s", Number(), "seconds without a trading key after which it disarms", Between(10, 86_400),
        section=TRADING,
    ),
    Option(
        "trade_validate", Switch(), "whether the exchange checks each order before it can be confirmed",
        section=TRADING,
    ),
    Option(
        "trade_reset_size", Switch(), "whether the size is empty again after each order", section=TRADING,
    ),
    Option(
        "log_file", FileName(), "also write the log to FILE",
        flag="--log-file", metavar="FILE", commands=RECORDERS, library=True, section=OUTPUT, example='"kraken.log"',
    ),
    Option(
        "metrics_addr", Text(), "serve metrics for Prometheus there, such as 127.0.0.1:9464 (default: do not)",
        ListenAddress(), flag="--metrics-addr", metavar="HOST:PORT", commands=("screen", "stream", "publish"),
        library=True, section=OUTPUT, example='"127.0.0.1:9464"',
    ),
    Option(
        "group", Whole(), "price step of the aggregated book, times the pair's increment (default: by price)",
        OneOf(GROUPINGS, auto=True), flag="--group", metavar="K", commands=("screen", "snapshot", "serve"),
        section=SCREEN,
    ),
    Option(
        "theme", ThemeText(), "{allowed} (default {default})", ThemeName(),
        flag="--theme", metavar="NAME|FILE", commands=DRAWN, section=SCREEN,
    ),
    Option(
        "fps", Whole(), "pictures a second at most, {allowed} (default {default})", Between(1, 60),
        flag="--fps", metavar="N", commands=("screen", "serve"), section=SCREEN,
    ),
    Option(
        "low_bandwidth", Switch(), "draw less often and less brightly, for slow lines such as ssh",
        flag="--low-bandwidth", commands=("screen", "serve"), section=SCREEN,
    ),
    Option(
        "mouse", Switch(), "leave the mouse to the terminal",
        flag="--no-mouse", commands=("screen",), const=False,
        about="whether the terminal reports the mouse to the program",
        section=SCREEN,
    ),
    Option(
        "signal_window_s", Number(), "seconds over which pressure and imbalance are smoothed", Between(0.5, 600),
        section=FIGURES,
    ),
    Option("svg_dir", FileName(), "folder for saved pictures", section=OUTPUT, example='"pictures"'),
    Option(
        "recentre", Text(), "when the aggregated book recentres: {allowed}", OneOf(RECENTRES, near=True),
        section=SCREEN,
    ),
    Option(
        "large_order", Number(), "base units from which an order is large; 0 is automatic", Between(0, 1e12),
        library=True, section=FIGURES,
    ),
    Option(
        "flow_value", Number(), "least value of a flow event, in dollars and the like", Between(0, 1e12),
        library=True, section=FIGURES,
    ),
    Option(
        "flow_factor", Number(), "times the pair's 98th percentile from which a size is large", Between(0.1, 1000),
        library=True, section=FIGURES,
    ),
    Option(
        "tape_tiers", Numbers(), "values where the tape's tiers begin, in dollars and the like", Ascending(4, 1e12),
        section=FIGURES,
    ),
    Option(
        "sweep_value", Number(), "worth of the order whose cost is shown, dollars and the like", Between(1, 1e12),
        section=FIGURES,
    ),
    Option(
        "taker_fee_pct", Number(), "taker's fee in the cost at the cursor, percent", Between(0, 10),
        section=FIGURES,
    ),
    Option(
        "bell_on_fill", Switch(), "ring the bell for own fills as they happen; a terminal that can shows a notice too",
        section=SCREEN,
    ),
    Option(
        "stale_after_s", Number(), "seconds of silence or lag after which a book is stale", Between(0.1, 3600),
        library=True, section=MARKETS,
    ),
    Option(
        "history_min", Number(), "minutes of the past the screen can go back (default {default})", Between(1, 1_440),
        flag="--history", metavar="MIN", commands=("screen", "serve"), library=True, section=SCREEN,
    ),
    Option(
        "history_mb", Whole(), "memory for the past of one pair, MB (default {default})", Between(4, 4_096),
        library=True, section=SCREEN,
    ),
    Option(
        "heat_weighing", Text(), "what a cell of the heatmap tells: {allowed}", OneOf(WEIGHINGS, near=True),
        section=SCREEN,
    ),
    Option(
        "heat_scale", Text(), "how the heatmap's brightness grows: {allowed}", OneOf(HEAT_SCALES, near=True),
        section=SCREEN,
    ),
    Option(
        "pull_window_s", Whole(), "seconds over which pull and stack are taken: {allowed}", OneOf(PULL_WINDOWS),
        section=SCREEN,
    ),
    Option(
        "quiet_after_s", Number(), "seconds without a change after which health says so", Between(1, 86_400),
        section=MARKETS,
    ),
)  # fmt: skip
"""Every setting but the key map, in the order of the help."""


def option(name: str) -> Option:
    """The row of a setting.

    Raises:
        KeyError: There is no such setting.
    """
    for row in OPTIONS:
        if row.name == name:
            return row
    raise KeyError(name)


def default_of(row: Option) -> Any:
    """The default of a setting: that of the field of `Settings`."""
    return getattr(Settings(), row.name)


def check_value(name: str, value: object) -> Any:
    """Check one argument of a program against the table.

    Args:
        name: A setting that the library takes.
        value: What the program passed.

    Returns:
        The value as `Settings` holds it: names of pairs as a tuple, file names as `Path` or None, numbers as float.

    Raises:
        ConfigurationError: It cannot work; the message begins with the name and says what it takes.
        KeyError: The library takes no such setting.
    """
    row = option(name)
    if not row.library:
        raise KeyError(name)
    try:
        return row.from_value(value)
    except WrongValue as wrong:
        raise ConfigurationError(f"{name}: {wrong.detail}" if wrong.detail else f"{name} {wrong}") from None


def check_values(**values: object) -> Settings:
    """Check arguments of a program and make `Settings` of them; see `check_value`.

    Raises:
        ConfigurationError: One cannot work, or two of them each say where the frames come from.
        KeyError: The library takes no such setting.
    """
    checked = {name: check_value(name, value) for name, value in values.items()}
    sources = [name for name in ("demo", "replay", "kafka") if checked.get(name)]
    if len(sources) > 1:
        raise ConfigurationError(f"{sources[0]} and {sources[1]} exclude each other")
    return Settings(**checked)
