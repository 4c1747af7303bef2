"""The screen in a real browser: a key, a click, a resize, a picture, and every way it can end."""

from __future__ import annotations

import asyncio
import json
import signal
import struct
import sys
from importlib.util import find_spec
from typing import Any

import pytest

from tests.web.chromium import Tab, browsing, find
from tests.web.serving import base_of, children, serving

pytestmark = [
    pytest.mark.realtime,
    pytest.mark.skipif(find_spec("textual_serve") is None, reason="the extra web is not installed"),
    pytest.mark.skipif(find() is None, reason="no Chromium is installed; Debian has one: apt install chromium"),
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes under /proc"),
]

# The page's terminal, looked at from outside: what the server draws passes by here as bytes.
_WATCH = """
(() => {
  const plain = window.WebSocket;
  window.seen = {bytes: 0, text: "", sent: []};
  window.WebSocket = class extends plain {
    constructor(...all) {
      super(...all);
      this.addEventListener("message", (event) => {
        if (typeof event.data !== "string") {
          window.seen.bytes += event.data.byteLength;
          window.seen.text = (window.seen.text + new TextDecoder().decode(event.data)).slice(-400000);
        }
      });
    }
    send(data) { window.seen.sent.push(data); super.send(data); }
  };
})();
"""


_PLAIN = r"seen.text.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '')"
_SHOWN = "document.body?.classList.contains('-first-byte') && window.seen?.text.includes('VERIFIED')"


async def watched(tab: Tab, url: str) -> None:
    """Open the page, and wait for its first book."""
    await tab.call("Page.enable")
    await tab.call("Page.addScriptToEvaluateOnNewDocument", source=_WATCH)
    await tab.open(url)
    await tab.until(_SHOWN)


async def drawn(tab: Tab, words: str, seconds: float = 20) -> None:
    """Wait until words are drawn, whatever the colours between them."""
    await tab.until(f"{_PLAIN}.includes({json.dumps(words)})", seconds)


def size_of(png: bytes) -> tuple[int, int]:
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    return width, height


async def test_a_browser_shows_the_screen_and_takes_keys_clicks_and_sizes() -> None:
    with serving("--demo", "--token", "BTC/USD", "ETH/USD") as (process, url):
        async with browsing() as tab:
            await watched(tab, url)
            # A picture: the terminal's pixels, dark with something on it.
            first = await tab.picture()
            assert size_of(first)[0] >= 1000
            assert len(first) > 20_000
            # A key, without a click first.
            await tab.js("seen.text = ''")
            await tab.key("?", "Slash")
            await drawn(tab, "Esc closes, arrows scroll")
            assert "Start or stop recording" not in await tab.js("seen.text")
            await tab.key("q", "KeyQ")
            # A click on the second tab shows its pair.
            cell = await cell_of(tab)
            await tab.js("seen.text = ''")
            # Under the help, which may still be closing, it would be heard by nobody.
            for _ in range(20):
                await tab.click(27.5 * cell[0], cell[1] / 2)
                await asyncio.sleep(0.5)
                if found := await tab.js(f"/ETH(?!\\/)/.test({_PLAIN})"):
                    break
            assert found
            # A window of another size.
            await tab.js("seen.text = ''")
            await tab.call(
                "Emulation.setDeviceMetricsOverride", width=800, height=500, deviceScaleFactor=1, mobile=False
            )
            await tab.until("JSON.parse(seen.sent.filter(one => one.startsWith('[\"resize\"')).at(-1))[1].width < 120")
            resize = json.loads(await tab.js("seen.sent.filter(one => one.startsWith('[\"resize\"')).at(-1)"))
            await tab.until(f"/\\x1b\\[{resize[1]['height']};1H/.test(seen.text)")
            assert size_of(await tab.picture()) == (800, 500)
            # Nothing was asked of anybody else, and nothing was refused or thrown.
            base = base_of(url)
            others = [one for one in tab.requested() if not one.startswith((base, f"ws{base[4:]}", "data:"))]
            assert others == []
            assert tab.errors() == []
            # Quitting says so, and its picture is not taken for a living one.
            await tab.key("q", "KeyQ")
            await ended(tab, "the screen was closed")
            assert children(process.pid) == []


async def test_a_page_says_when_its_server_is_gone() -> None:
    with serving("--demo", "BTC/USD") as (process, url):
        async with browsing() as tab:
            await watched(tab, url)
            process.kill()
            process.wait(5)
            await ended(tab, "the server does not answer any more; what is shown is old")


async def test_a_page_says_when_nothing_comes_any_more_and_when_it_does_again() -> None:
    with serving("--demo", "BTC/USD") as (process, url):
        async with browsing() as tab:
            await watched(tab, url)
            process.send_signal(signal.SIGSTOP)
            try:
                await tab.until("!document.getElementById('ended').hidden", 12)
                assert "nothing from the server for" in await tab.js("document.getElementById('reason').textContent")
                assert "grayscale" in await filter_of(tab)
            finally:
                process.send_signal(signal.SIGCONT)
            await tab.until("document.getElementById('ended').hidden", 12)
            assert await filter_of(tab) == "none"


async def test_a_page_without_a_place_says_so() -> None:
    with serving("--demo", "--visitors", "1", "BTC/USD") as (_, url):
        async with browsing() as tab:
            await watched(tab, url)
            async with browsing() as other:
                await other.open(url)
                await other.until("document.body?.innerText.includes('the only place is taken; try again later')")
            # The same page again has its place again.
            await tab.js("location.reload()")
            await tab.until(
                "document.body?.classList.contains('-first-byte') && window.seen?.text.includes('VERIFIED')"
            )


async def ended(tab: Tab, reason: str) -> None:
    await tab.until("!document.getElementById('ended').hidden", 10)
    assert await tab.js("document.getElementById('reason').textContent") == f"kraken-tui: {reason}."
    assert "grayscale" in await filter_of(tab)


async def filter_of(tab: Tab) -> str:
    found: Any = await tab.js("getComputedStyle(document.getElementById('terminal')).filter")
    return str(found)


async def cell_of(tab: Tab) -> tuple[float, float]:
    """Width and height of a cell in pixels."""
    size = json.loads(await tab.js("seen.sent.filter(one => one.startsWith('[\"resize\"')).at(-1)"))[1]
    box = await tab.js(
        "(() => { const box = document.querySelector('.xterm-screen').getBoundingClientRect();"
        " return [box.width, box.height]; })()"
    )
    return box[0] / size["width"], box[1] / size["height"]
