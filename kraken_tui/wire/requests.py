"""Requests to Kraken WebSocket v2, as JSON text (PROTOCOL.md section 3)."""

from __future__ import annotations

import json
from collections.abc import Sequence


def subscribe(channel: str, symbols: Sequence[str] = (), *, req_id: int, **params: object) -> str:
    """Write a subscribe request.

    Args:
        channel: "book", "trade", "ticker", "ohlc" or "instrument".
        symbols: v2 symbols; left out of the request where empty.
        req_id: Echoed by the acknowledgement or refusal.
        **params: Further parameters, such as `depth`, `interval`, `snapshot`, `event_trigger`.
    """
    return _request("subscribe", channel, symbols, req_id, params)


def unsubscribe(channel: str, symbols: Sequence[str] = (), *, req_id: int, **params: object) -> str:
    """Write an unsubscribe request; parameters as for `subscribe`."""
    return _request("unsubscribe", channel, symbols, req_id, params)


def ping(*, req_id: int) -> str:
    """Write an application ping. It may carry no `params` (PROTOCOL.md section 2.3)."""
    return json.dumps({"method": "ping", "req_id": req_id}, separators=(",", ":"))


def _request(method: str, channel: str, symbols: Sequence[str], req_id: int, params: dict[str, object]) -> str:
    content: dict[str, object] = {"channel": channel}
    if symbols:
        content["symbol"] = list(symbols)
    content.update(params)
    return json.dumps({"method": method, "params": content, "req_id": req_id}, separators=(",", ":"))
