import re

import pytest

from kraken_tui.wire.signing import sign
from tests.reference.vectors import SIGNING

PARTS = (SIGNING["uri_path"], SIGNING["nonce"], SIGNING["post_data"])


def test_documented_example() -> None:
    assert sign(*PARTS, SIGNING["private_key"]) == SIGNING["api_sign"]


def test_everything_counts() -> None:
    for changed in range(3):
        altered = [part + "0" if index == changed else part for index, part in enumerate(PARTS)]
        assert sign(*altered, SIGNING["private_key"]) != SIGNING["api_sign"]


def test_bad_key_is_not_repeated() -> None:
    with pytest.raises(ValueError, match=re.escape("the private key is not base64")) as caught:
        sign("/0/private/Balance", "1", "nonce=1", "not*base64")
    assert "not*base64" not in str(caught.value)
    assert caught.value.__suppress_context__
