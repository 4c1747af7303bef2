"""Functions that are called with events. They cannot delay the feed, and their errors cannot stop it."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from kraken_tui.client.events import internal_types, public
from kraken_tui.client.streams import take
from kraken_tui.engine.engine import Engine
from kraken_tui.engine.listeners import Listener, ListenerClosed
from kraken_tui.errors import ConfigurationError

_log = logging.getLogger("kraken_tui.client")
_GRACE_S = 0.5
"""How long callbacks may go on with queued events after the client is closed."""

_FAIR_SHARE = 64

Callback = Callable[[Any], object] | Callable[[Any], Awaitable[object]]


class Registration:
    """A registered callback; `remove` ends it.

    Attributes:
        types: Event types it is called with, including subclasses.
        errors: Exceptions it raised.
        active: Whether it is still registered.
    """

    def __init__(self, types: tuple[type, ...], callback: Callback, remove: Callable[[Registration], None]) -> None:
        self.types = types
        self.internal_types = internal_types("on", types)
        self.errors = 0
        self.active = True
        self._callback = callback
        self._remove = remove
        self.listener: Listener | None = None
        self.task: asyncio.Task[None] | None = None

    def remove(self) -> None:
        """End the calls; a second call does nothing."""
        self._remove(self)

    def call(self, event: object) -> object:
        """Call it; the caller handles its exceptions."""
        return self._callback(event)


class Callbacks:
    """The callbacks of one client.

    Plain functions share one queue and are called one after another in the order of the events: in the program's
    event loop if the client was opened with `async with`, otherwise in one thread of their own. Each coroutine function
    has its own queue and task.

    Args:
        engine: Where the events come from.
        listen: Opens a queue for these types; the second argument chooses among their events.
    """

    def __init__(self, engine: Engine, listen: Callable[..., Listener]) -> None:
        self.errors = 0
        self._engine = engine
        self._listen = listen
        self._plain: tuple[Registration, ...] = ()
        self._coroutines: tuple[Registration, ...] = ()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._open = False
        self._queue: Listener | None = None
        self._thread: threading.Thread | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    # -- registering ----------------------------------------------------------------------------------------------

    def add(self, types: tuple[type, ...], callback: Callback) -> Registration:
        """Register a callback; events count from now on.

        Raises:
            ConfigurationError: A coroutine function with a client that is open without an event loop.
        """
        registration = Registration(types, callback, self._forget)
        if _is_coroutine(callback):
            if self._open and self._loop is None:
                raise ConfigurationError("a coroutine function needs a client opened with 'async with'")
            registration.listener = self._listen(registration.internal_types)
            with self._lock:
                self._coroutines = (*self._coroutines, registration)
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._start_coroutine, registration)
            return registration
        with self._lock:
            self._plain = (*self._plain, registration)
            first = self._queue is None
            if first:
                self._queue = self._listen(wants=self._wanted)
        if first and self._open:
            self._start_plain()
        return registration

    def _wanted(self, event: object) -> bool:
        return any(isinstance(event, registration.internal_types) for registration in self._plain)

    def _forget(self, registration: Registration) -> None:
        registration.active = False
        with self._lock:
            self._plain = tuple(each for each in self._plain if each is not registration)
            self._coroutines = tuple(each for each in self._coroutines if each is not registration)
        if registration.listener is not None:
            # The task ends when its queue is closed; it may be the caller.
            self._engine.unlisten(registration.listener)

    # -- running --------------------------------------------------------------------------------------------------

    def start(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Start calling; call this from the event loop's own thread, if there is one.

        Raises:
            ConfigurationError: Coroutine functions are registered and there is no loop.
        """
        if loop is None and self._coroutines:
            raise ConfigurationError("a coroutine function needs a client opened with 'async with'")
        self._loop = loop
        self._open = True
        for registration in self._coroutines:
            self._start_coroutine(registration)
        if self._queue is not None:
            self._start_plain()

    def _start_plain(self) -> None:
        queue = self._queue
        assert queue is not None
        if self._loop is not None:
            self._loop.call_soon_threadsafe(lambda: self._keep(self._run_plain(queue)))
        else:
            self._thread = threading.Thread(
                target=self._run_thread, args=(queue,), name="kraken-tui-callbacks", daemon=True
            )
            self._thread.start()

    def _start_coroutine(self, registration: Registration) -> None:
        if registration.listener is not None and registration.task is None:
            registration.task = self._keep(self._run_coroutine(registration, registration.listener))

    def _keep(self, coroutine: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _run_thread(self, queue: Listener) -> None:
        try:
            while True:
                self._call_plain(public(queue.get()))
        except ListenerClosed:
            return

    async def _run_plain(self, queue: Listener) -> None:
        taken = 0
        try:
            while True:
                self._call_plain(public(await take(queue)))
                taken += 1
                if taken % _FAIR_SHARE == 0:
                    await asyncio.sleep(0)
        except ListenerClosed:
            return

    def _call_plain(self, event: object) -> None:
        for registration in self._plain:
            # One callback may have removed another.
            if registration.active and isinstance(event, registration.types):
                try:
                    registration.call(event)
                except BaseException as error:
                    # They end an event loop, and with it the program; here they would end only this thread, silently.
                    if self._loop is not None and isinstance(error, SystemExit | KeyboardInterrupt):
                        raise
                    self._failed(registration, event, error)

    async def _run_coroutine(self, registration: Registration, queue: Listener) -> None:
        taken = 0
        try:
            while True:
                event = public(await take(queue))
                taken += 1
                if taken % _FAIR_SHARE == 0:
                    await asyncio.sleep(0)
                if not registration.active:
                    return
                try:
                    result = registration.call(event)
                    if inspect.isawaitable(result):
                        await result
                except asyncio.CancelledError as error:
                    # Not this task was cancelled, but something it waited for.
                    if _is_cancelled():
                        raise
                    self._failed(registration, event, error)
                except Exception as error:
                    self._failed(registration, event, error)
        except ListenerClosed:
            return

    def _failed(self, registration: Registration, event: object, error: BaseException) -> None:
        """Count the error, and report the first few: a broken callback fails on every event."""
        registration.errors += 1
        self.errors += 1
        if registration.errors in (1, 10, 100, 1000) or registration.errors % 10_000 == 0:
            text = f"a callback for {type(event).__name__} raised {type(error).__name__}: {error}"
            times = f" ({registration.errors} errors)" if registration.errors > 1 else ""
            self._engine.note("error", text + times)
            _log.error("a callback for %s raised%s", type(event).__name__, times, exc_info=error)

    # -- ending ---------------------------------------------------------------------------------------------------

    def join(self) -> None:
        """Give the thread a moment to drain its queue; call this after the engine has stopped."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(_GRACE_S)

    async def finish(self) -> None:
        """Give the tasks a moment to drain their queues, then cancel them."""
        tasks = {task for task in self._tasks if task is not asyncio.current_task()}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_GRACE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _is_coroutine(callback: Callback) -> bool:
    return inspect.iscoroutinefunction(callback) or inspect.iscoroutinefunction(type(callback).__call__)
