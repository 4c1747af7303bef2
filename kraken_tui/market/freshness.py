"""How old a view is, judged by whoever reads it: the one rule for the screen, the outputs and the library.

The engine cannot judge this: while its thread hangs, the newest view goes on saying what was true when it was made.
So every view carries the monotonic moment it was made, and a reader compares it with its own clock. Pure.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec.structs import replace

from kraken_tui.market.events import MarketStatus, Proof
from kraken_tui.market.health import HealthLimits, Inputs, seconds_text
from kraken_tui.market.views import FeedView, Mode, PairSummary, PairView, Published
from kraken_tui.units import SECOND

if TYPE_CHECKING:
    from kraken_tui.market.private_views import AccountView, Level3View, LinkView, TradingView

ENGINE_LIMIT_NS = 2 * SECOND
"""Age of a view from which the engine counts as not answering; it publishes several times a second."""


def silence_ns(made_ns: int | None, now_ns: int) -> int:
    """How long the engine has not answered; 0 while it answers, and before it was started.

    Args:
        made_ns: Moment of the engine's newest view.
        now_ns: The reader's clock.
    """
    passed = 0 if made_ns is None else now_ns - made_ns
    return passed if passed > ENGINE_LIMIT_NS else 0


def silence_text(ns: int) -> str:
    """The silence as a sentence."""
    return f"engine not answering for {ns // SECOND} s"


def believed(proof: Proof, reason: str, silent_ns: int) -> tuple[Proof, str]:
    """What is left of a proof, and why, while the engine is silent: nobody has looked at the book since.

    A proof that had failed stays failed, with its own reason.
    """
    return _doubt(proof, reason, silence_text(silent_ns)) if silent_ns else (proof, reason)


def believed_closed(proof: Proof, reason: str) -> tuple[Proof, str]:
    """The same once the program has closed a live feed."""
    return _doubt(proof, reason, CLOSED)


def _doubt(proof: Proof, reason: str, why: str) -> tuple[Proof, str]:
    return (Proof.CHECKING, why) if proof is Proof.VERIFIED else (proof, reason)


def fresh_for_ns(inputs: Inputs, limits: HealthLimits) -> int:
    """How long a market stays fresh if nothing more is heard; negative where it is not."""
    heard = inputs.heartbeat_age_ns
    if heard is None:
        return 0
    left = limits.stale_ns - heard
    if inputs.lag_ns is not None and inputs.lag_ns > 0:
        left -= inputs.lag_ns
    return left if inputs.book_age_ns is None else min(left, limits.quiet_ns - inputs.book_age_ns)


def aged(view: PairView, now_ns: int, word_ns: int | None = None, *, silent_ns: int | None = None) -> PairView:
    """A pair's view as it must be read now.

    Args:
        view: As the engine made it.
        now_ns: The reader's clock.
        word_ns: Moment of the engine's newest word of any kind; None for this view.
        silent_ns: How long the engine has not answered, where the reader knows it otherwise.

    Returns:
        The same levels at their true age; STALE where nothing was heard for too long; without proof and figures where
        the engine does not answer.
    """
    if view.made_ns is None:
        return view
    if word_ns is None:
        word_ns = view.made_ns
    if silent_ns is None:
        silent_ns = silence_ns(word_ns, now_ns)
    older = _grown(view, 0 if view.replayed else max(0, now_ns - view.made_ns))
    if silent_ns:
        why = silence_text(silent_ns)
        return _stale(replace(_disbelieved(older, why), silent_ns=silent_ns), why)
    unheard = now_ns - word_ns
    if view.stale or view.replayed or view.fresh_for_ns is None or unheard <= view.fresh_for_ns:
        return older
    return _stale(older, f"nothing heard for {seconds_text(unheard)}")


CLOSED = "the client is closed"
"""Why nothing that is read of a live feed is proven or fresh any more once its program has closed it."""


def ended(view: PairView, now_ns: int) -> PairView:
    """The last view of an engine that has ended as it was told to: last known, and not proven, as nobody looks.

    A recording stays as it was.
    """
    if view.made_ns is None or view.replayed:
        return view
    return _stale(_disbelieved(_grown(view, max(0, now_ns - view.made_ns)), CLOSED), CLOSED)


def _grown(view: PairView, ns: int) -> PairView:
    if not ns:
        return view
    age_ns = None if view.age_ns is None else view.age_ns + ns
    health = view.health
    if health.age_ms is not None and age_ns is not None:
        health = replace(health, age_ms=age_ns // 1_000_000)
    level3 = view.level3
    if level3 is not None and level3.age_ns is not None:
        level3 = replace(level3, age_ns=level3.age_ns + ns)
    return replace(view, now_ns=view.now_ns + ns, age_ns=age_ns, health=health, level3=level3)


def _disbelieved(view: PairView, why: str) -> PairView:
    """A view that nobody vouches for any more."""
    proof, reason = _doubt(view.proof, view.proof_reason, why)
    venue = "UNKNOWN" if view.venue == "ONLINE" else view.venue
    level3 = None if view.level3 is None else _unproven(view.level3, why)
    return replace(view, proof=proof, proof_reason=reason, venue=venue, metrics=None, signals=None, level3=level3)


def _unproven(level3: Level3View, why: str) -> Level3View:
    """Places in queues that nobody vouches for."""
    own = {order_id: replace(place, verified=False) for order_id, place in level3.own.items()}
    return replace(level3, verified=False, reason=why, stale=True, stale_reason=why, own=MappingProxyType(own))


def _stale(view: PairView, why: str) -> PairView:
    status = MarketStatus.UNKNOWN if view.age_ns is None else MarketStatus.STALE
    return replace(view, stale=True, stale_reason=why, health=replace(view.health, status=status, reason=why))


def aged_feed(feed: FeedView, now_ns: int) -> FeedView:
    """The feed's view as it must be read now; its tabs are without proof where the engine does not answer.

    Args:
        feed: As the engine made it.
        now_ns: The reader's clock.
    """
    if feed.made_ns is None:
        return feed
    silent_ns = silence_ns(feed.made_ns, now_ns)
    grown = 0 if feed.mode is Mode.REPLAY else max(0, now_ns - feed.made_ns)
    heard, retry, waited_s = feed.heartbeat_age_ns, feed.retry_in_s, grown / SECOND
    return replace(
        feed,
        now_ns=feed.now_ns + grown,
        heartbeat_age_ns=None if heard is None else heard + grown,
        retry_in_s=None if retry is None else max(0.0, retry - waited_s),
        allowed_in_s=max(0.0, feed.allowed_in_s - waited_s),
        tabs=tuple(map(_doubted, feed.tabs)) if silent_ns else feed.tabs,
        silent_ns=silent_ns,
    )


def aged_account(account: AccountView, now_ns: int) -> AccountView:
    """The account as it must be read now: its channels and links at their true age, silent where the engine is.

    Args:
        account: As the engine made it.
        now_ns: The reader's clock.
    """
    if account.made_ns is None:
        return account
    grown = max(0, now_ns - account.made_ns)
    silent_ns = silence_ns(account.made_ns, now_ns)
    return replace(
        account,
        streams=tuple(replace(each, age_ns=_older(each.age_ns, grown)) for each in account.streams),
        links=tuple(_aged_link(each, grown) for each in account.links),
        trading=None if account.trading is None else _aged_trading(account.trading, grown, silent=bool(silent_ns)),
        silent_ns=silent_ns,
    )


def _aged_link(link: LinkView, grown: int) -> LinkView:
    retry = None if link.retry_in_s is None else max(0.0, link.retry_in_s - grown / SECOND)
    return replace(link, heard_age_ns=_older(link.heard_age_ns, grown), retry_in_s=retry)


def _aged_trading(trading: TradingView, grown: int, *, silent: bool) -> TradingView:
    """Its countdowns go on; nobody may call it armed while the engine, which alone could send, does not answer."""
    ends, cancels = (
        None if left is None else max(0.0, left - grown / SECOND)
        for left in (trading.disarms_in_s, trading.cancels_after_s)
    )
    if silent:
        return replace(trading, armed=False, reason="engine silent", disarms_in_s=None, cancels_after_s=cancels)
    return replace(trading, disarms_in_s=ends, cancels_after_s=cancels)


def _older(age_ns: int | None, grown: int) -> int | None:
    return None if age_ns is None else age_ns + grown


def held_account(then: AccountView | None, live: AccountView | None) -> AccountView | None:
    """The account of a moment that the reader holds; whether orders can be sent now, and by whom, is always of now."""
    if then is None or live is None:
        return then
    return replace(then, trading=live.trading, silent_ns=live.silent_ns)


def held(then: Published, live: FeedView, symbol: str, now_ns: int) -> tuple[PairView | None, FeedView]:
    """A pair and the feed of a moment that the reader holds. Nothing of them ages, but a clock goes on.

    Only what the reader must be told at any time is of the live feed: an engine that does not answer, which nobody
    can vouch for, a feed that failed for good, and the recorder.

    Args:
        then: What was published at that moment, already as it had to be read then.
        live: The newest view, as it must be read now.
        symbol: The pair.
        now_ns: The reader's clock.
    """
    feed = replace(
        then.feed,
        now_ns=live.now_ns,
        silent_ns=live.silent_ns,
        fatal=live.fatal,
        recording=live.recording,
        tabs=tuple(map(_doubted, then.feed.tabs)) if live.silent_ns else then.feed.tabs,
    )
    pair = then.pairs.get(symbol)
    if pair is not None and live.silent_ns:
        pair = aged(replace(pair, made_ns=now_ns), now_ns, silent_ns=live.silent_ns)
    return pair, feed


def _doubted(tab: PairSummary) -> PairSummary:
    proof, _ = believed(tab.proof, "", 1)
    return replace(tab, proof=proof, stale=True)
