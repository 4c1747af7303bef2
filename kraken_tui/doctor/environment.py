"""What the program runs on: Python, packages, terminal, folders, disk, certificate authorities, proxy, clocks."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import ssl
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from kraken_tui.doctor.report import Check, Skipped, Unexpected, expect
from kraken_tui.files import user_folder
from kraken_tui.units import SECOND

_NEEDED = re.compile(r"([A-Za-z0-9_-]{1,60})((?:[<>]=?[0-9.]{1,20},?)*)", re.ASCII)


def python_version() -> str:
    """The interpreter."""
    version = ".".join(map(str, sys.version_info[:3]))
    return expect(sys.version_info >= (3, 11), f"{platform.python_implementation()} {version}, {platform.system()}")


def packages() -> str:
    """The required packages, in the required versions."""
    try:
        required = importlib.metadata.requires("kraken-tui") or []
    except importlib.metadata.PackageNotFoundError:
        raise Skipped("kraken-tui runs from its source folder, which has no list of required packages") from None
    found: list[str] = []
    wrong: list[str] = []
    for line in required:
        match = None if ";" in line else _NEEDED.match(line.replace(" ", ""))
        if match is None:
            continue
        name, limits = match.groups()
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{name} is missing")
            continue
        (found if _within(version, limits) else wrong).append(f"{name} {version}")
    return expect(not wrong, ", ".join(wrong or found))


def _within(version: str, limits: str) -> bool:
    own = _numbers(version)
    for limit in filter(None, limits.split(",")):
        bound = _numbers(limit.lstrip("<>="))
        if limit.startswith(">=") and own < bound:
            return False
        if limit.startswith("<") and not limit.startswith("<=") and own >= bound:
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(digits) for digits in re.findall(r"[0-9]{1,9}", version)[:3])


def compiled_core() -> str:
    """Which of the two ways books are read: both give the same, the compiled one costs less."""
    from kraken_tui.core import VARIABLE, in_use, update

    if update is None:
        why = f"switched off by {VARIABLE}" if os.environ.get(VARIABLE) else "not built, which needs a C compiler"
        raise Skipped(f"{in_use()}: the core is {why}; everything works, a message costs about four times as much")
    return in_use()


def terminal(obstacle: str, env: Mapping[str, str]) -> str:
    """What the screen would run on.

    Args:
        obstacle: Why the screen cannot run, or "".
        env: Environment variables.
    """
    if obstacle:
        raise Skipped(f"no screen from here: {obstacle}")
    size = shutil.get_terminal_size((0, 0))
    encoding = (getattr(sys.stdout, "encoding", None) or "unknown").lower()
    colours = "no colours (NO_COLOR)" if env.get("NO_COLOR") else env.get("COLORTERM") or "colours by TERM"
    seen = f"{env.get('TERM', 'Windows')}, {colours}, {size.columns}x{size.lines}, {encoding}"
    return expect(size.columns >= 60 and size.lines >= 18, seen)


def folders() -> str:
    """Whether the settings, state and data folders can be written, each tried with a temporary file."""
    bad = []
    for kind in ("config", "state", "data"):
        try:
            folder = user_folder(kind)
        except OSError as error:
            raise Unexpected(str(error.strerror)) from None
        for existing in (folder, *folder.parents):
            if existing.exists():
                break
        try:
            with tempfile.TemporaryFile(dir=existing):
                pass
        except OSError as error:
            bad.append(f"{kind} folder {folder}: {error.strerror}")
    return expect(not bad, "; ".join(bad) or "settings, state and data folders can be written")


def free_space() -> str:
    """Room for recordings."""
    from kraken_tui.recording.writer import MIN_FREE_BYTES, MIN_FREE_SHARE

    try:
        folder = user_folder("data")
    except OSError as error:
        raise Skipped(str(error.strerror)) from None
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    usage = shutil.disk_usage(existing)
    floor = min(MIN_FREE_BYTES, usage.total * MIN_FREE_SHARE)
    return expect(usage.free >= floor, f"{usage.free / 2**30:.1f} GiB free")


def authorities() -> str:
    """Whether this Python knows any certificate authority: without one every TLS connection fails."""
    count = len(ssl.create_default_context().get_ca_certs())
    paths = ssl.get_default_verify_paths()
    folder = paths.capath and Path(paths.capath).is_dir() and any(Path(paths.capath).iterdir())
    if not count and not folder:
        raise Unexpected("no certificate authorities; install ca-certificates, or set SSL_CERT_FILE")
    return f"{count or 'a folder of'} authorities, {ssl.OPENSSL_VERSION}"


def proxy() -> str:
    """Whether connections go through a proxy."""
    from kraken_tui.settings import LIVE_URL
    from kraken_tui.settings.address import proxy_for

    shown = proxy_for(LIVE_URL)[1]
    return f"through the proxy {shown}" if shown else "direct, no proxy set"


def clock() -> str:
    """What can be said about the clocks offline."""
    from kraken_tui.feed.clock import SystemClock

    source = SystemClock()
    first = source.now(), source.wall()
    last = source.now(), source.wall()
    expect(last[0] >= first[0], "the monotonic clock runs backwards")
    expect(last[1] > 1_700_000_000 * SECOND, "this computer's clock is years behind")
    raise Skipped("both clocks run; the offset is unknown offline, use doctor --connect")


def checks(obstacle: str, env: Mapping[str, str] = os.environ) -> Iterator[Check]:
    """Every check of this module; see `terminal` for the arguments."""
    yield Check("Python", "", "3.11 or later", python_version)
    yield Check("packages", "", "versions as required", packages)
    yield Check("book core", "", "compiled", compiled_core)
    yield Check("terminal", "", "at least 60x18", lambda: terminal(obstacle, env))
    yield Check("folders", "", "can be written", folders)
    yield Check("disk", "", "above the recorder's floor", free_space)
    yield Check("certificate authorities", "X1", "at least one", authorities)
    yield Check("proxy", "", "shown", proxy)
    yield Check("clock offset", "", "within 2 s", clock)
