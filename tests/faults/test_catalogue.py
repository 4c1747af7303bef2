"""Every fault of the plan has its test here, a home elsewhere, or a reason why not yet."""

from __future__ import annotations

import re
from pathlib import Path

from tests.faults.catalogue import ELSEWHERE, TITLES, WAITING


def test_no_fault_is_forgotten() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    tested = {int(number) for number in re.findall(r"def test_f(\d+)_", text)}
    assert set(TITLES) == set(range(1, 101))
    assert tested | set(ELSEWHERE) | set(WAITING) == set(TITLES)
    assert not tested & set(WAITING)
