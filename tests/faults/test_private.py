"""Faults of tokens, rights and nonces: the private connections wait or stop by themselves, and give nothing away."""

from __future__ import annotations

from typing import Any

from kraken_tui.feed.connection.table import State
from kraken_tui.feed.events import Note
from kraken_tui.feed.private.events import LinkChanged, TokenWanted
from kraken_tui.feed.private.level3 import L3State
from kraken_tui.feed.private.session import PrivateSession
from kraken_tui.secret import REDACTED
from kraken_tui.wire.refusals import judge
from tests.faults.ledger import Ledger
from tests.rig.clock import SECOND
from tests.rig.private_bench import PrivateBench


def said(bench: PrivateBench, session: PrivateSession) -> str:
    """All that a session tells the screen and the log."""
    texts = [event.cause for event in bench.of(session, LinkChanged)]
    texts += [event.text for event in bench.of(session, Note)]
    return "\n".join([*texts, repr(session.view(bench.now))])


def test_f87_a_token_that_is_refused_is_replaced_once_and_then_rarely(ledger: Ledger) -> None:
    bench = PrivateBench()
    account, level3 = bench.account(), bench.level3("BTC/USD")
    bench.run(3)
    bench.venue.faults.private.invalidate_tokens()
    bench.venue.faults.private.close("l3", 1006)
    bench.run(5)
    assert account.state is level3.state is State.SUBSCRIBED
    back = bench.tokens
    bench.venue.faults.private.refuse_tokens(10**6)
    bench.venue.faults.private.close("auth", 1006)
    bench.run(120)
    asked = bench.tokens - back
    assert account.state is State.AUTHENTICATING
    assert level3.state is State.SUBSCRIBED
    assert asked <= 10
    bench.venue.faults.private.refuse_tokens(0)
    bench.run(125)
    assert account.state is State.SUBSCRIBED
    ledger("AUTHENTICATING; one new token at once, then ever more rarely", f"{asked} tokens in 120 s", "10 in 120 s")


def test_f88_a_key_that_may_not_stops_its_connection_alone(ledger: Ledger) -> None:
    dials = 0
    for key, words in (("no-token", "Permission denied"), ("level3", "Permission denied")):
        bench = PrivateBench(key=key)
        account, level3 = bench.account(), bench.level3("BTC/USD")
        bench.run(300)
        assert account.state is State.DISCONNECTED
        assert words in account.stopped
        assert account.view(bench.now).stopped
        assert (level3.state is State.SUBSCRIBED) is (key == "level3")
        dials = max(dials, len(bench.dials["account"]))
    for error in ("EAPI:Invalid key", "EGeneral:Temporary lockout"):
        bench = PrivateBench()
        bench.token_failure = judge([error])
        account = bench.account()
        bench.run(300)
        wanted = len(bench.of(account, TokenWanted))
        assert error in account.stopped
        assert wanted == 1
        dials = max(dials, len(bench.dials["account"]))
    assert dials == 1
    ledger("stopped with the exchange's words and what to do; no further dial", f"{dials} dial in 300 s", "1 dial")


def test_f89_a_refused_nonce_stops_the_connection_until_the_user_acts(ledger: Ledger) -> None:
    bench = PrivateBench()
    bench.token_failure = judge(["EAPI:Invalid nonce"])
    account = bench.account()
    bench.run(300)
    assert "another program uses this key" in account.stopped
    wanted = len(bench.of(account, TokenWanted))
    bench.token_failure = None
    account.resume(bench.now, bench.wall)
    began = bench.now
    while account.state is not State.SUBSCRIBED and bench.now - began < 20 * SECOND:
        bench.run(0.1)
    assert account.state is State.SUBSCRIBED
    seconds = (bench.now - began) / SECOND
    ledger("stopped, said; back when the user asks", f"{wanted} request; back after {seconds:.1f} s", "1; 5 s")
    assert wanted == 1
    assert seconds <= 5


def test_f90_a_secret_that_comes_back_in_an_error_is_cut_out(ledger: Ledger) -> None:
    bench = PrivateBench()
    account = bench.account()
    level3 = bench.level3("BTC/USD")
    bench.run(3)
    token: Any = account.token
    secret = token.reveal()
    for session in (account, level3):
        frame = (
            f'{{"method":"subscribe","error":"EGeneral:Bad {secret} and {secret[:24]}","success":false,'
            f'"req_id":1,"symbol":"BTC/USD","time_in":"x"}}'
        )
        # As if a subscription still waited for its answer.
        account._channels["executions"].asked = bench.now
        level3.pairs["BTC/USD"].state = L3State.WAIT_ACK
        session.frame(frame, bench.now, bench.wall)
        session.frame(f'{{"channel":"level3","type":"{secret}"', bench.now, bench.wall)
        bench.run(1)
        told = said(bench, session)
        assert REDACTED in told
        assert secret not in told
        assert secret[:24] not in told
    account.disconnected(f"HTTP 400: {secret}", bench.now, bench.wall)
    assert secret not in said(bench, account)
    ledger("cut out of log, screen and state", "0 found", "0 found")
