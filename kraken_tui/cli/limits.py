"""Whether this process may open and hold what every command needs; said in one sentence where it may not."""

from __future__ import annotations

import errno

from kraken_tui.errors import ConfigurationError

LEAST_FILES = 32
"""Open files: standard streams, event loops, sockets, log, recording, and some to spare."""

LEAST_MEMORY = 160 << 20
"""Address space in bytes: with less, threads and libraries fail in the middle of things or crash the interpreter."""

_STARVED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})


def check_limits() -> None:
    """Look at what the shell allows, before anything is begun.

    Raises:
        ConfigurationError: It allows too little; the sentence names the limit.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limits.
        return
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if 0 <= files < LEAST_FILES and files != resource.RLIM_INFINITY:
        raise ConfigurationError(f"only {files} open files are allowed (ulimit -n), at least {LEAST_FILES} are needed")
    memory = resource.getrlimit(resource.RLIMIT_AS)[0]
    if 0 <= memory < LEAST_MEMORY and memory != resource.RLIM_INFINITY:
        allowed, least = memory >> 20, LEAST_MEMORY >> 20
        raise ConfigurationError(f"only {allowed} MiB of memory are allowed (ulimit -v), at least {least} are needed")


def starved_of(error: BaseException | None) -> str:
    """What the system did not give, if that is what an error comes from; "" otherwise."""
    while error is not None:
        if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "new thread" in str(error)):
            return "the system gives this program no more memory or threads"
        if isinstance(error, OSError) and error.errno in _STARVED:
            return f"the system gives this program no more: {(error.strerror or 'no resources').lower()}"
        error = error.__cause__ or error.__context__
    return ""
