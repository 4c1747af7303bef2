"""The whole exchange without sockets: markets, connections, statuses. Synchronous; the clock is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from random import Random
from time import time_ns
from typing import TYPE_CHECKING

from kraken_tui.exchange import frames
from kraken_tui.exchange.episodes import Episodes
from kraken_tui.exchange.faults import (
    CloseAll,
    Command,
    Faults,
    Inject,
    PairChange,
    ResendSnapshot,
    SystemStatus,
)
from kraken_tui.exchange.market import Cross, Market
from kraken_tui.exchange.pairs import ASSETS, PAIRS, PairSpec
from kraken_tui.exchange.peer import Peer
from kraken_tui.exchange.profiles import CROSSES, PROFILES

if TYPE_CHECKING:
    from kraken_tui.exchange.private import Private

Clock = Callable[[], int]
Rate = float | Mapping[str, float]

_MATCHING = ("online", "reduce_only")


class Venue:
    """Every market and every connection of one local exchange.

    Args:
        seed: the same seed, clock and requests give the same frames.
        pairs: symbols to offer; None for all of `PAIRS`. A `PairSpec` may stand for itself.
        rate: multiple of the usual message rates, one number or by symbol (others stay at 1).
        clock: present time in ns since the epoch.
        profile: how the markets behave: one of `PROFILES`.
        episodes: whether to play `EPISODES` while books are watched.
        account: how the main account lives: `demo` or `still`; empty for the profile's own.

    Attributes:
        faults: faults on request.
        episodes: what it shows of itself; None when it plays no episodes.
        specs: the pairs on offer, by symbol, as they now are.
        system: status of the exchange.

    Raises:
        ValueError: an unknown symbol, profile or account, or a rate that is not positive.
    """

    def __init__(
        self,
        seed: int = 1,
        pairs: Iterable[str | PairSpec] | None = None,
        rate: Rate = 1.0,
        clock: Clock = time_ns,
        *,
        profile: str = "lively",
        episodes: bool = False,
        account: str = "",
    ) -> None:
        if account not in ("", "demo", "still"):
            raise ValueError(f"no such account: {account}")
        if profile not in PROFILES:
            raise ValueError(f"no such profile: {profile}")
        self._profile = PROFILES[profile]
        self.seed = seed
        self.clock = clock
        self.faults = Faults()
        self.episodes = Episodes(self.faults) if episodes else None
        self.specs = {symbol: self._profile.temper(spec) for symbol, spec in _chosen(pairs).items()}
        self.system = "online"
        self.peers: list[Peer] = []
        self._rates = _rates(rate, self.specs)
        self._markets: dict[str, Market] = {}
        self._ids = Random(f"{seed}/connections")
        self._now_ns = 0
        self._life = account or self._profile.account
        self._private: Private | None = None

    @property
    def now_ns(self) -> int:
        """Present time, ns since the epoch; never goes back even if the clock does."""
        self._now_ns = max(self._now_ns, self.clock())
        return self._now_ns

    @property
    def _told_ns(self) -> int:
        """Up to when the markets are played: the present, or what a lag leaves of it."""
        return self.now_ns - round(self.faults.lag_s * frames.NS)

    # --- connections

    @property
    def private(self) -> Private:
        """What is behind keys, made on first use."""
        if self._private is None:
            from kraken_tui.exchange.private import Private

            self._private = Private(self, self.seed, self._life)
        return self._private

    def connect(self, where: str = "") -> Peer:
        """A new connection, its `status` frame already waiting.

        Args:
            where: empty for public data, `l3` for single orders, `auth` for an account.
        """
        self.advance(self.now_ns)
        peer = self._peer(where, self._ids.randrange(1 << 60, 1 << 64))
        self.peers.append(peer)
        return peer

    def _peer(self, where: str, connection_id: int) -> Peer:
        if not where:
            return Peer(self, connection_id)
        from kraken_tui.exchange.private_socket import AuthPeer, Level3Peer

        return (AuthPeer if where == "auth" else Level3Peer)(self, connection_id)

    def disconnect(self, peer: Peer) -> None:
        """Forget a connection and all it subscribed to."""
        peer.drop_subscriptions()
        if peer in self.peers:
            self.peers.remove(peer)

    # --- markets

    def market(self, symbol: str) -> Market:
        """One market, up to date.

        Raises:
            KeyError: not on offer.
        """
        market = self._markets.get(symbol)
        if market is None:
            market = self._made(symbol)
            market.simulator.mode = self._mode(market.spec)
            self._markets[symbol] = market
        market.wake(self._told_ns)
        return market

    def _made(self, symbol: str) -> Market:
        legs = [leg for leg in CROSSES.get(symbol, ()) if leg] if self._profile.crosses else []
        known = legs and all(leg in self.specs for leg in legs)
        # The legs come first in the order of markets, and so are played first.
        cross = Cross(self.specs[symbol], [self.market(leg) for leg in legs]) if known else None
        rate = self._rates[symbol]
        make = self._profile.simulator
        return Market(self.specs[symbol], self.seed, self.now_ns, rate, self.faults, make=make, cross=cross)

    def set_rate(self, rate: Rate) -> None:
        """Change the multiple of the usual message rates.

        Raises:
            ValueError: a rate that is not positive.
        """
        self._rates = _rates(rate, self.specs)
        for symbol, market in self._markets.items():
            market.simulator.set_rate(self._rates[symbol])

    def advance(self, now_ns: int) -> None:
        """Play every market somebody listens to up to `now_ns` (ns since the epoch)."""
        self._now_ns = now_ns = max(self._now_ns, now_ns)
        if self.episodes is not None:
            self.episodes.advance(now_ns, [s for s, market in self._markets.items() if market.book_watched])
        for command in self.faults.take_commands():
            self._obey(command)
        told_ns = self._told_ns
        for market in list(self._markets.values()):
            if market.active:
                for leg in market.legs:
                    leg.wake(told_ns)
                market.advance(told_ns)
        if self._private is not None:
            self._private.advance(told_ns)
            for where, code, reason in self.faults.private.take_closing():
                for peer in self.peers:
                    if peer.where == where:
                        peer.closing = (code, reason)

    # --- statuses

    def _mode(self, spec: PairSpec) -> str:
        status = spec.status if self.system == "online" else self.system
        return "online" if status in _MATCHING else status

    def _obey(self, command: Command) -> None:
        match command:
            case CloseAll(code, reason):
                for peer in self.peers:
                    peer.closing = (code, reason)
            case Inject(frame):
                for peer in self.peers:
                    peer.push(frame)
            case SystemStatus(system):
                self.system = system
                for market in self._markets.values():
                    market.simulator.mode = self._mode(market.spec)
                for peer in self.peers:
                    peer.push(frames.status_frame(system, peer.connection_id))
            case PairChange():
                self._change_pair(command)
            case ResendSnapshot(symbol):
                if symbol in self._markets:
                    self._markets[symbol].resend_book()

    def _change_pair(self, change: PairChange) -> None:
        old = self.specs.get(change.symbol)
        if old is None:
            return
        price = old.price_precision if change.price_precision is None else change.price_precision
        qty = old.qty_precision if change.qty_precision is None else change.qty_precision
        status = old.status if change.status is None else change.status
        spec = replace(old, price_precision=price, qty_precision=qty, status=status)
        if price != old.price_precision:
            spec = replace(spec, tick_multiple=1)
        self.specs[change.symbol] = spec
        market = self._markets.get(change.symbol)
        if market is not None:
            market.rescale(spec)
            market.simulator.mode = self._mode(spec)
        frame = frames.instrument_frame("update", (), (spec,))
        for peer in self.peers:
            if peer.hears_instruments:
                peer.push(frame)

    def instrument_snapshot(self) -> str:
        """Every asset and pair on offer."""
        used = {name for spec in self.specs.values() for name in (spec.base, spec.quote)}
        return frames.instrument_frame(
            "snapshot", (ASSETS[name] for name in ASSETS if name in used), self.specs.values()
        )


def _chosen(pairs: Iterable[str | PairSpec] | None) -> dict[str, PairSpec]:
    chosen: dict[str, PairSpec] = {}
    for pair in PAIRS if pairs is None else pairs:
        if isinstance(pair, str) and pair not in PAIRS:
            raise ValueError(f"no such pair: {pair}")
        spec = PAIRS[pair] if isinstance(pair, str) else pair
        chosen[spec.symbol] = spec
    return chosen


def _rates(rate: Rate, specs: Mapping[str, PairSpec]) -> dict[str, float]:
    rates = {symbol: rate.get(symbol, 1.0) if isinstance(rate, Mapping) else float(rate) for symbol in specs}
    if any(value <= 0 for value in rates.values()):
        raise ValueError("a rate must be positive")
    return rates
