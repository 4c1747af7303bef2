"""The public names: `kraken_tui` exports exactly what is imported here; there is no other list.

`kraken_tui` imports this module when a name is first used; `docs/LIBRARY.md` describes every one of them. To add a
name, import it here as itself and describe it there.
"""

from kraken_tui.client.books import BestBidAsk as BestBidAsk
from kraken_tui.client.books import Book as Book
from kraken_tui.client.books import BookLine as BookLine
from kraken_tui.client.books import LevelChange as LevelChange
from kraken_tui.client.callbacks import Registration as Registration
from kraken_tui.client.client import KrakenClient as KrakenClient
from kraken_tui.client.events import CandleChanged as CandleChanged
from kraken_tui.client.events import SpecChanged as SpecChanged
from kraken_tui.client.events import TickerChanged as TickerChanged
from kraken_tui.client.gaps import GapPolicy as GapPolicy
from kraken_tui.client.pair_view import BookMetrics as BookMetrics
from kraken_tui.client.pair_view import PairView as PairView
from kraken_tui.client.pair_view import Sample as Sample
from kraken_tui.client.pair_view import Sweep as Sweep
from kraken_tui.client.pair_view import TradedAt as TradedAt
from kraken_tui.client.status import Connection as Connection
from kraken_tui.client.status import Latency as Latency
from kraken_tui.client.status import Stats as Stats
from kraken_tui.client.streams import EventStream as EventStream
from kraken_tui.client.values import Candle as Candle
from kraken_tui.client.values import FlowEvent as FlowEvent
from kraken_tui.client.values import PairSpec as PairSpec
from kraken_tui.client.values import Quote as Quote
from kraken_tui.client.values import Ticker as Ticker
from kraken_tui.client.values import Trade as Trade
from kraken_tui.engine.backpressure import PRESETS as PRESETS
from kraken_tui.engine.backpressure import Backpressure as Backpressure
from kraken_tui.engine.backpressure import DropPolicy as DropPolicy
from kraken_tui.engine.events import FrameRejected as FrameRejected
from kraken_tui.engine.listeners import ListenerCounts as ListenerCounts
from kraken_tui.errors import ChecksumMismatch as ChecksumMismatch
from kraken_tui.errors import Configuration as Configuration
from kraken_tui.errors import ConfigurationError as ConfigurationError
from kraken_tui.errors import ConnectionClosed as ConnectionClosed
from kraken_tui.errors import ConnectionFailed as ConnectionFailed
from kraken_tui.errors import EngineFailed as EngineFailed
from kraken_tui.errors import InvalidMessage as InvalidMessage
from kraken_tui.errors import KrakenError as KrakenError
from kraken_tui.errors import RateLimited as RateLimited
from kraken_tui.errors import SubscriptionFailed as SubscriptionFailed
from kraken_tui.errors import TimedOut as TimedOut
from kraken_tui.feed.events import Audited as Audited
from kraken_tui.feed.events import BookStateChanged as BookStateChanged
from kraken_tui.feed.events import Refused as Refused
from kraken_tui.feed.events import Resync as Resync
from kraken_tui.feed.events import StateChanged as StateChanged
from kraken_tui.feed.events import SystemChanged as SystemChanged
from kraken_tui.market.events import BookState as BookState
from kraken_tui.market.events import FlowKind as FlowKind
from kraken_tui.market.events import Health as Health
from kraken_tui.market.events import MarketStatus as MarketStatus
from kraken_tui.market.events import Proof as Proof
from kraken_tui.market.events import Side as Side
from kraken_tui.market.events import Signal as Signal
from kraken_tui.market.views import LogLine as LogLine
from kraken_tui.market.views import RecordingView as RecordingView
from kraken_tui.market.views import ReplayView as ReplayView
