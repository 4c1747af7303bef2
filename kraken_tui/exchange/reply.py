"""An HTTP answer given instead of the right one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP answer given instead of a websocket (RELIABILITY.md faults F03 to F05).

    Attributes:
        status: HTTP status.
        body: text of the answer.
        content_type: its type.
        retry_after_s: value of Retry-After, if any.
        rest: whether REST paths get it too.
    """

    status: int
    body: str = ""
    content_type: str = "text/plain"
    retry_after_s: int | None = None
    rest: bool = False
