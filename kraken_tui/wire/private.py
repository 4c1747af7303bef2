"""What the private sockets speak: the public channels, the account's, and the answers to the trading methods.

The public side never imports it, so that a start without an account does not pay for it.
"""

from __future__ import annotations

from typing import cast

from kraken_tui.wire import balances, executions, level3, order_answers
from kraken_tui.wire.balances import BalancesMessage
from kraken_tui.wire.decode import PUBLIC, Channels, decode_by
from kraken_tui.wire.executions import ExecutionsMessage
from kraken_tui.wire.level3 import Level3Message
from kraken_tui.wire.messages import Message
from kraken_tui.wire.order_answers import METHODS, Answer

PrivateMessage = Level3Message | ExecutionsMessage | BalancesMessage | Answer | Message
"""Everything that `decode` can return."""

PRIVATE = Channels()
for _message in PUBLIC.types.values():
    PRIVATE.add(_message, PUBLIC.by_rows.get(str(_message.__struct_config__.tag)))
PRIVATE.add(Level3Message, level3.read_rows)
PRIVATE.add(ExecutionsMessage, executions.read_rows)
PRIVATE.add(BalancesMessage, balances.read_rows)
PRIVATE.add_methods(METHODS, order_answers.read_answer)


def decode(frame: bytes | str) -> PrivateMessage:
    """Decode one frame of a private socket; otherwise as `kraken_tui.wire.decode.decode`."""
    return cast(PrivateMessage, decode_by(PRIVATE, frame))
