"""The largest configuration that is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from kraken_tui.errors import ConfigurationError
from kraken_tui.settings.sources import MAX_CONFIG_BYTES, load


def test_a_configuration_of_a_mebibyte_is_read_and_one_byte_more_is_not(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    text = "depth = 25\n"
    path.write_text(text + "#" * (MAX_CONFIG_BYTES - len(text)))
    assert path.stat().st_size == MAX_CONFIG_BYTES == 2**20
    assert load({}, {}, path).depth == 25
    path.write_text(path.read_text() + "#")
    with pytest.raises(ConfigurationError, match="longer than 1 MiB"):
        load({}, {}, path)
