"""One frozen `Settings` for the whole program.

Every layer may read it, none may change it. How it comes about (command line, then environment, then TOML
file, then these defaults) is in `kraken_tui.settings.sources`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LOW_BANDWIDTH_FPS = 4
"""Most frames a second with `Settings.low_bandwidth`."""

LIVE_URL = "wss://ws.kraken.com/v2"
"""Kraken's public WebSocket v2 endpoint (PROTOCOL.md section 1)."""

LIVE_LEVEL3_URL = "wss://ws-l3.kraken.com/v2"
LIVE_ACCOUNT_URL = "wss://ws-auth.kraken.com/v2"
"""Kraken's private endpoints: single orders, and the account (PRIVATE.md section 1)."""

LIVE_REST_URL = "https://api.kraken.com"
"""Kraken's REST host; paths under /0/public (PROTOCOL.md section 10)."""

DEFAULT_MAX_WORTH = "1000 USD, 1000 EUR, 1000 GBP, 1000 CHF, 1000 USDT, 1000 USDC"
"""Largest price times quantity of an order by quote asset, unless the user says otherwise."""

LEVEL3_DEPTHS = (10, 100, 1000)
"""Depths of level 3, in price levels a side."""

DEPTHS = (10, 25, 100, 500, 1000)
"""Book depths the exchange accepts; it refuses others and does not round (PROTOCOL.md section 4.1)."""

INTERVALS = (1, 5, 15, 30, 60, 240, 1440, 10080, 21600)
"""Candle intervals in minutes that the exchange offers (PROTOCOL.md section 7.3): a minute to a week and 15 days."""

GROUPINGS = (1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000)
"""Price steps of the aggregated book, as multiples of the pair's price increment."""

THEMES = ("auto", "dark", "light", "colour-blind", "terminal")
"""Names of the built-in themes; auto is dark, or terminal where the terminal has 16 colours or none."""

WEIGHINGS = ("average", "greatest")
"""What a cell of the heatmap tells of its column: the time-weighted average of the size, or the greatest."""

HEAT_SCALES = ("log", "linear")
"""How the heatmap's brightness grows with the size."""

PULL_WINDOWS = (5, 30, 300)
"""Seconds over which pull and stack are taken."""

RECENTRES = ("band", "space", "never")
"""When the aggregated book recentres: when the touch leaves the middle band, on request, or never."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a recording goes on in a new file: `bytes` long or `seconds` old; 0 is never."""

    bytes: int = 0
    seconds: int = 0


def _no_keys() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a user can choose, after all sources are merged.

    Attributes:
        pairs: Pair names as the user wrote them; resolved against the instrument list once connected.
        demo: Run against the local exchange instead of Kraken.
        demo_seed: Seed of the local exchange's market.
        demo_episodes: Whether the local exchange shows a trouble of a feed every few minutes, announced as such.
        replay: Recording to play instead of a live feed.
        kafka: Brokers to read from instead of the exchange, host:port with commas between them; "" for none.
        kafka_topic_prefix: What the topics begin with.
        kafka_config: File of further settings of the Kafka client, such as its password.
        at: Moment to play a recording from (`settings.moment`); with `kafka`, play from this time on instead of
            following the newest. "" for the beginning, or the newest.
        speed: Replay speed; 1.0 is the recording's own clock, 0 is as fast as possible.
        record: File that raw frames are appended to, from the start.
        record_rotate: When the recording goes on in another file; None for never.
        depth: Book depth, one of `DEPTHS`.
        interval: Candle interval in minutes, one of `INTERVALS`.
        group: Price step of the aggregated book, one of `GROUPINGS`, or 0 to choose by price.
        theme: One of `THEMES` or the name of a user theme.
        fps: Frames a second the screen draws at most.
        low_bandwidth: Draw seldom and leave out what only catches the eye, for slow lines.
        url: WebSocket address; wss anywhere, ws on loopback only.
        rest_url: REST base address, without a path.
        level3: Whether single orders are followed, which needs a key.
        level3_depth: Price levels a side of them, one of `LEVEL3_DEPTHS`.
        account: Whether the account is followed, which needs a key.
        private: Whether a screen follows both by itself, with --demo or where there is a key.
        level3_url, account_url: WebSocket addresses of both; "" for Kraken's, as long as `url` is not a server of this
            computer.
        key_name: Which of the stored API keys is used; "" for the one of the environment, or the only one.
        allow_withdraw_key: Whether a key that may withdraw is used all the same; whoever gets hold of it can then take
            all the money of the account.
        trade: Whether orders can be placed, once the key for it was pressed.
        paper: Whether orders are simulated against the public book instead.
        trade_max_worth: Largest price times quantity of an order by quote asset; other quotes are refused.
        trade_max_size: Largest order by base asset; an asset without one has only the limit of its worth.
        trade_max_open: Most open orders.
        trade_band_pct: Farthest price from the middle, percent of it.
        trade_protection_pct: How far beyond the touch a market order may go, percent.
        trade_idle_s: Seconds without a trading key after which it disarms.
        trade_validate: Whether the exchange checks each order before it can be confirmed.
        trade_reset_size: Whether the size is empty again after each order.
        log_file: File the log is also written to.
        metrics_addr: HOST:PORT where metrics for Prometheus are served; "" for nowhere.
        svg_dir: Folder for saved pictures; None for the user's pictures folder.
        recentre: When the aggregated book recentres: "band", "space" or "never".
        large_order: Size in base units from which an order counts as large; 0 for automatic.
        flow_value: Least value of a flow event, in units of quotes that are money (`market.tiers.MONEY`).
        flow_factor: Multiple of the pair's own 98th percentile from which a size is large, where it is automatic.
        tape_tiers: Four ascending values in such quotes from which a print is of the next tier.
        sweep_value: Worth of the order whose cost is shown, in quotes that are money (dollars, euros).
        bell_on_fill: Ring the terminal's bell for own fills as they happen, and show a notice of the desktop where the
            terminal is known to have them.
        taker_fee_pct: Fee of an order that takes, percent of its worth; part of the cost at the cursor.
        signal_window_s: Seconds over which pressure and imbalance are smoothed.
        stale_after_s: Seconds of feed silence or lag after which a book is called stale.
        quiet_after_s: Seconds without a book change after which health says so, heartbeats or not.
        history_min: Minutes of the past the screen keeps of every pair.
        history_mb: Memory for the past of one pair, megabytes.
        heat_weighing: What a cell of the heatmap tells, one of `WEIGHINGS`.
        heat_scale: How its brightness grows, one of `HEAT_SCALES`.
        pull_window_s: Seconds over which pull and stack are taken, one of `PULL_WINDOWS`.
        mouse: Whether the terminal's mouse reports are asked for.
        keys: Binding id to key list, overriding the built-in key map.
    """

    pairs: tuple[str, ...] = ("BTC/USD", "ETH/USD")
    demo: bool = False
    demo_seed: int = 1
    demo_episodes: bool = False
    replay: Path | None = None
    kafka: str = ""
    kafka_topic_prefix: str = "kraken"
    kafka_config: Path | None = None
    at: str = ""
    speed: float = 1.0
    record: Path | None = None
    record_rotate: Rotation | None = None
    depth: int = 100
    interval: int = 1
    group: int = 0
    theme: str = "auto"
    fps: int = 10
    low_bandwidth: bool = False
    url: str = LIVE_URL
    rest_url: str = LIVE_REST_URL
    level3: bool = False
    level3_depth: int = 10
    account: bool = False
    private: bool = True
    level3_url: str = ""
    account_url: str = ""
    key_name: str = ""
    allow_withdraw_key: bool = False
    trade: bool = False
    paper: bool = False
    trade_max_worth: str = DEFAULT_MAX_WORTH
    trade_max_size: str = ""
    trade_max_open: int = 10
    trade_band_pct: float = 5.0
    trade_protection_pct: float = 0.5
    trade_idle_s: float = 300.0
    trade_validate: bool = True
    trade_reset_size: bool = False
    log_file: Path | None = None
    metrics_addr: str = ""
    svg_dir: Path | None = None
    recentre: str = "band"
    large_order: float = 0.0
    flow_value: float = 10_000.0
    flow_factor: float = 3.0
    tape_tiers: tuple[float, ...] = (1_000.0, 10_000.0, 50_000.0, 250_000.0)
    sweep_value: float = 10_000.0
    taker_fee_pct: float = 0.40
    signal_window_s: float = 4.0
    stale_after_s: float = 5.0
    quiet_after_s: float = 60.0
    history_min: float = 60.0
    history_mb: int = 64
    heat_weighing: str = "average"
    heat_scale: str = "log"
    pull_window_s: int = 30
    bell_on_fill: bool = False
    mouse: bool = True
    keys: Mapping[str, str] = field(default_factory=_no_keys)

    @property
    def plays(self) -> bool:
        """Whether what is shown has its own clock: a recording, or Kafka from some time on."""
        return self.replay is not None or bool(self.kafka and self.at)

    @property
    def frame_rate(self) -> int:
        """Frames a second, `low_bandwidth` considered."""
        return min(self.fps, LOW_BANDWIDTH_FPS) if self.low_bandwidth else self.fps
