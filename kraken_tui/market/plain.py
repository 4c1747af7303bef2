"""Frozen values that become plain dicts, ready for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec


class Value(msgspec.Struct, frozen=True, gc=False):
    """A frozen value that a program may be handed."""

    def to_dict(self) -> dict[str, Any]:
        """Field names and values as plain dicts, lists, text and numbers; decimals are text, digits unchanged."""
        return {name: plain(getattr(self, name)) for name in self.__struct_fields__}


def plain(value: object) -> Any:
    """One value in the terms of JSON."""
    if isinstance(value, Decimal):
        # Not `str`, which writes small ones with an exponent.
        return f"{value:f}"
    if isinstance(value, Value):
        return value.to_dict()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    if isinstance(value, Mapping):
        return {plain(key): plain(each) for key, each in value.items()}
    return value
