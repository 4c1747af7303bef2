import re
from typing import Any

import pytest

from kraken_tui.wire.signing import sign


def test_documented_example(goldens: dict[str, Any]) -> None:
    example = goldens["rest_api_sign"]
    signature = sign(example["uri_path"], example["nonce"], example["post_data"], example["private_key_b64"])
    assert signature == example["api_sign"]


def test_everything_counts(goldens: dict[str, Any]) -> None:
    example = goldens["rest_api_sign"]
    parts = [example["uri_path"], example["nonce"], example["post_data"]]
    for changed in range(3):
        altered = [part + "0" if index == changed else part for index, part in enumerate(parts)]
        assert sign(*altered, example["private_key_b64"]) != example["api_sign"]


def test_bad_key_is_not_repeated() -> None:
    with pytest.raises(ValueError, match=re.escape("the private key is not base64")) as caught:
        sign("/0/private/Balance", "1", "nonce=1", "not*base64")
    assert "not*base64" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_documented_example_without_recorded_data() -> None:
    """Kraken's published dummy key; no live credential (PROTOCOL.md section 10.2)."""
    key = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
    body = "nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25"
    assert sign("/0/private/AddOrder", "1616492376594", body, key) == (
        "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ=="
    )
