"""Changes that no test can notice, each with the reason: they are the same program, or only a slower one."""

from __future__ import annotations

_SLOWER = "numbers of the usual form only take the general way, with the same result"

_ONCE_MORE = "digits are joined once more than needed, with the same result"
_SIGN = "the sign is 1 or -1"
_CHECK = "recorder = Recorder(path, wall_ns=0, playing=playing)"
_HAS_FLAG = "asked for only where a system has no such flag, and this one has"
_TRUTH = "asked only for its truth"
_ONE_ARGUMENT = "an error of the client has one argument"
_MEMORY = "only how much is remembered"
_REPEATED = "only how much of a wrong text is repeated"
_STAMP = "_parse: raise InvalidMessage(f'not a timestamp: {text[:40]!r}')"

EQUIVALENT: dict[str, dict[str, str]] = {
    "settings/address.py": {
        "listen_address: -1 -> -2": "both are no port",
        "listen_address: number = -1 -> number = -2": "both are no port",
        **{
            "_check: shown = repr(clean_text(_without_userinfo(url[:2 * _LONGEST]), 100))"
            f" -> shown = repr(clean_text(_without_userinfo(url[:{times} * _LONGEST]), 100))": _REPEATED
            for times in (1, 3)
        },
    },
    "market/book/l2.py": {
        ": _KEPT_PRICES = 4096 -> _KEPT_PRICES = 4097": _MEMORY,
        ": _KEPT_PRICES = 4096 -> _KEPT_PRICES = 4095": _MEMORY,
        "BookSide.__init__: self._stale: list[object] = [False] -> self._stale: list[object] = [True]": _ONCE_MORE,
        "BookSide.put: at < CHECKSUM_LEVELS -> at <= CHECKSUM_LEVELS": _ONCE_MORE,
        "BookSide.truncate: len(self._keys) > depth -> len(self._keys) >= depth": "nothing lies beyond the last level",
        "BookSide.truncate: depth < CHECKSUM_LEVELS -> depth <= CHECKSUM_LEVELS": _ONCE_MORE,
        "BookSide.checksum_digits: self._stale[0] = False -> pass": _ONCE_MORE,
        "BookSide.checksum_digits: self._stale[0] = False -> self._stale[0] = True": _ONCE_MORE,
        "OrderBook.load: self._prices.clear() -> pass": _MEMORY,
        **{
            f"OrderBook._apply_side: point, end, nothing = (-precision - 1, -precision, self._nothing)"
            f" -> point, end, nothing = ({point}, {end}, self._nothing)": _SLOWER
            for point, end in (
                ("-precision - 1", "precision"),
                ("-precision + 1", "-precision"),
                ("precision - 1", "-precision"),
                ("-precision - 2", "-precision"),
                ("-precision - 0", "-precision"),
            )
        },
        "OrderBook._apply_side: len(qty) <= MAX_DIGITS -> len(qty) < MAX_DIGITS": _SLOWER,
        "OrderBook._apply_side: key = ticks * sign -> key = ticks // sign": _SIGN,
        "OrderBook._apply_side: at < CHECKSUM_LEVELS -> at <= CHECKSUM_LEVELS": _ONCE_MORE,
        "OrderBook._apply_side: len(keys) > self.depth -> len(keys) >= self.depth": (
            "nothing lies beyond the last level"
        ),
    },
    "wire/checksum.py": {
        "token: return text.replace('.', '', 1).lstrip('0') -> return text.replace('.', '', 2).lstrip('0')": (
            "a number has one point"
        ),
    },
    "wire/digits.py": {
        **{
            f"to_units: value[-precision - 1:-precision] == '.' -> value[{point}] == '.'": _SLOWER
            for point in (
                "-precision - 1:precision",
                "-precision + 1:-precision",
                "precision - 1:-precision",
                "-precision - 2:-precision",
                "-precision - 0:-precision",
            )
        },
        "to_units: len(value) <= MAX_DIGITS -> len(value) < MAX_DIGITS": _SLOWER,
        "to_units: digits = value.replace('.', '', 1) -> digits = value.replace('.', '', 0)": _SLOWER,
        "_by_exponent: shift >= 0 -> shift > 0": "a shift by nothing divides by one",
        "_by_exponent: shift >= 0 -> shift >= 1": "a shift by nothing divides by one",
        "_by_exponent: divisor: int = 10 ** min(-shift, 400) -> divisor: int = 10 ** min(-shift, 401)": (
            "no number has as many digits"
        ),
        "_by_exponent: divisor: int = 10 ** min(-shift, 400) -> divisor: int = 10 ** min(-shift, 399)": (
            "no number has as many digits"
        ),
    },
    "wire/decode.py": {
        "FieldCensus._compare: isinstance(typed[0], msgspec.Struct) -> isinstance(typed[-1], msgspec.Struct)": (
            "all rows of a frame are of one kind"
        ),
    },
    "wire/rest_account.py": {
        "read_orders: max(_whole(outer.get('count')) if key else 0, len(orders))"
        " -> max(_whole(outer.get('count')) if key else -1, len(orders))": "there are never fewer than none",
        "_time: number.is_finite() and 0 <= number < 10 ** 11"
        " -> number.is_finite() and 0 < number < 10 ** 11": "nothing is nothing either way",
    },
    "wire/timestamps.py": {
        **{
            f"{_STAMP} -> raise InvalidMessage(f'not a timestamp: {{text[:{count}]!r}}'){again}": _REPEATED
            for count in (39, 41)
            for again in ("", " (no. 2)")
        },
        **{
            "_parse: InvalidMessage(f'not a timestamp: {text[:40]!r} ({error})')"
            f" -> InvalidMessage(f'not a timestamp: {{text[:{count}]!r}} ({{error}})')": _REPEATED
            for count in (39, 41)
        },
        ": _KEPT_SECONDS = 256 -> _KEPT_SECONDS = 257": _MEMORY,
        ": _KEPT_SECONDS = 256 -> _KEPT_SECONDS = 255": _MEMORY,
        "_second_of: len(_seconds) >= _KEPT_SECONDS -> len(_seconds) > _KEPT_SECONDS": _MEMORY,
        "_second_of: len(_seconds) >= _KEPT_SECONDS -> len(_seconds) < _KEPT_SECONDS": _MEMORY,
    },
    "wire/v1.py": {
        "_candle: {format_timestamp(begin * SECOND, 9)} -> {format_timestamp(begin * SECOND, 10)}": (
            "a second has nine digits of nanoseconds"
        ),
        "_ns: return int(whole) * SECOND + int(fraction[:9].ljust(9, '0'))"
        " -> return int(whole) * SECOND + int(fraction[:8].ljust(9, '0'))": "it is written in microseconds",
    },
    "engine/api.py": {
        f"MarketSource.search: 50 -> {count}": "what stands in a protocol is never called" for count in (49, 51)
    },
    "engine/lag.py": {"LoopLag.begin: lags and lags[-1][1] <= lag -> lags and lags[-1][1] < lag": _MEMORY},
    "engine/log.py": {
        "EventLog._write: logging.LogRecord('kraken_tui', level, '', 0, message, None, None)"
        f" -> logging.LogRecord('kraken_tui', level, '', {line}, message, None, None)": "no line of a source is shown"
        for line in (1, -1)
    },
    "engine/recordings.py": {"Recordings.__init__: self._told = '' -> pass": "set when a recording begins"},
    "engine/watchdog.py": {
        "Watchdog.__init__: self._where = '' -> pass": "set with every silence, before it is told",
        **{
            f"Watchdog.__init__: self._excused_ns = 0 -> self._excused_ns = {ns}": "no clock stands near zero"
            for ns in (1, -1)
        },
    },
    "engine/listeners.py": {
        f": _BURST_NS = 20000000 -> _BURST_NS = {count}": "a nanosecond of twenty milliseconds"
        for count in (19999999, 20000001)
    },
    "outputs/csv_table.py": {
        **{f": _CACHED = 50000 -> _CACHED = {count}": _MEMORY for count in (49999, 50001)},
        "CsvTable._emit: len(self._texts) > _CACHED -> len(self._texts) >= _CACHED": _MEMORY,
    },
    "outputs/jsonlines.py": {
        **{f": _CACHED_LEVELS = 20000 -> _CACHED_LEVELS = {count}": _MEMORY for count in (19999, 20001)},
        "JsonLines.__init__: self._second_text = '' -> pass": "set with the first second",
        "JsonLines._side: cache is None or len(cache) > _CACHED_LEVELS"
        " -> cache is None or len(cache) >= _CACHED_LEVELS": _MEMORY,
        "JsonLines._received: self._second = second -> pass": _MEMORY,
        "JsonLines._received: self._second_text = format_timestamp(second * SECOND, 0)[:-1]"
        " -> self._second_text = format_timestamp(second * SECOND, -1)[:-1]": "either writes whole seconds",
        "JsonLines._candle: {format_timestamp(candle.begin_s * SECOND, 0)}"
        " -> {format_timestamp(candle.begin_s * SECOND, -1)}": "either writes whole seconds",
    },
    "outputs/kafka.py": {
        **{
            f"KafkaSink.__init__: lambda: 0 -> lambda: {count}": "before the first line nothing can be missing"
            for count in (1, -1)
        },
        **{
            "KafkaSink.__init__: self._lost, self._lost_seen = (lost, 0)"
            f" -> self._lost, self._lost_seen = (lost, {count})": "before the first line nothing can be missing"
            for count in (1, -1)
        },
        "KafkaSink.__init__: self._next_beat = 0.0 -> self._next_beat = -1.0": "no clock stands below zero",
        "KafkaSink.open: ConfigurationError(f'Kafka: {clean_text(error.args[0].str())}')"
        " -> ConfigurationError(f'Kafka: {clean_text(error.args[-1].str())}')": _ONE_ARGUMENT,
        "KafkaSink._produce: self._topic_failed(topic, error.args[0])"
        " -> self._topic_failed(topic, error.args[-1])": _ONE_ARGUMENT,
        "KafkaSink.write: name = line[10:line.index('\"', 10)].encode()"
        " -> name = line[10:line.index('\"', 11)].encode()": "no event has an empty name",
        "KafkaSink._is_off: return False -> return None": _TRUTH,
        "KafkaSink._is_off: return False -> return None (no. 2)": _TRUTH,
        "KafkaSink._heartbeat: self._beats += 1 -> self._beats -= 1": "every tenth either way",
        "KafkaSink._snapshots: self._due.get(symbol, 0.0) > now -> self._due.get(symbol, -1.0) > now": (
            "no clock stands below zero"
        ),
    },
    "outputs/parquet.py": {
        "_Out.write: return len(taken) -> return None": "pyarrow does not ask how much was taken",
    },
    "outputs/recorded.py": {
        **{f"Player.__init__: self._tick_ns = 0 -> self._tick_ns = {ns}": "no frame came in 1970" for ns in (1, -1)},
        "Player.share: return min(1.0, read / max(1, sum(self._sizes)))"
        " -> return min(1.0, read / max(2, sum(self._sizes)))": "no file of frames is as short",
        "Player._in_order: len(self._paths) == 1 -> len(self._paths) == 0": "one file is in order anyway",
        **{
            "Player._in_order: next((timed.ns for timed in timeline(Recording(path))), 0)"
            f" -> next((timed.ns for timed in timeline(Recording(path))), {ns})": "a file without frames tells nothing"
            for ns in (1, -1)
        },
    },
    "outputs/pipe.py": {
        f": _PIPE_BYTES = 4096 -> _PIPE_BYTES = {count}": "only how much is written in one go" for count in (4095, 4097)
    },
    "feed/connection/backoff.py": {
        "Backoff.__init__: self._previous_s = 1.0 -> self._previous_s = 2.0": "anything but nearly zero",
        "Backoff.next_delay_s: 0.0 -> -1.0": "no delay is below zero",
        **{
            "Backoff.next_delay_s: limits.backoff_first_s * 2.0 ** min(self.attempt, 32)"
            f" -> limits.backoff_first_s * 2.0 ** min(self.attempt, {most})": "the cap is reached long before"
            for most in (31, 33)
        },
        "DialBudget.restore:  for dial in dials[-4 * self._limit:] if type(dial) is int"
        " ->  for dial in dials[-5 * self._limit:] if type(dial) is int": "what is too much is cut off again",
        "_take_near: return False -> return None": "asked only whether it is true",
    },
    "feed/proof/stitcher.py": {
        "BookStitcher.__init__: self._mismatched = False -> pass": "the first snapshot sets it before it is asked for",
        "BookStitcher.__init__: self._mismatched = False -> self._mismatched = True": (
            "the first snapshot sets it before it is asked for"
        ),
        "BookStitcher.restart: self._mismatched = True -> pass": "a book that resyncs is proven by a snapshot alone",
        "BookStitcher.restart: self._mismatched = True -> self._mismatched = False": (
            "a book that resyncs is proven by a snapshot alone"
        ),
        "BookStitcher._passed: self.proof is Proof.VERIFIED and self.state is BookState.LIVE"
        " -> self.proof is Proof.VERIFIED and self.state is not BookState.LIVE": "what has not changed is not told",
    },
    "recording/chunks.py": {
        **{
            f"PlainCodec.whole_length: step = 64 * 1024 -> step = {step}": "only how much is looked at in one go"
            for step in ("65 * 1024", "63 * 1024", "64 * 1025", "64 * 1023")
        },
        **{
            "GzipCodec.encode: packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)"
            f" -> packer = zlib.compressobj({level}, zlib.DEFLATED, -zlib.MAX_WBITS)": "only how hard it packs"
            for level in (5, 7)
        },
        "GzipCodec.first_line: zlib.decompressobj(31).decompress -> zlib.decompressobj(32).decompress": (
            "gzip is recognised as well as asked for"
        ),
        "GzipCodec.first_line: read(0, min(size, _MAX_HEADER)) -> read(0, max(size, _MAX_HEADER))": (
            "the text is cut off at the same length"
        ),
        **{
            "ZstdCodec.__init__: zstandard.ZstdCompressor(level=3, write_checksum=True).compress"
            f" -> zstandard.ZstdCompressor(level={level}, write_checksum=True).compress": "only how hard it packs"
            for level in (2, 4)
        },
        "ZstdCodec.first_line: self._open().decompress(read(self._HEAD.size, min(length, size)))"
        " -> self._open().decompress(read(self._HEAD.size, max(length, size)))": "what follows is not unpacked",
    },
    "recording/writer.py": {
        **{
            f"Recorder.__init__: self.bytes = 0 -> {new}": "set when the file has been looked at"
            for new in ("pass", "self.bytes = 1", "self.bytes = -1")
        },
        "Recorder.__init__: self._due_ns = 0 -> self._due_ns = -1": "no clock stands below zero",
        "Recorder.__init__: self._space_due_ns = 0 -> self._space_due_ns = -1": "no clock stands below zero",
        **{
            "Recorder._repair.read: count > 0 and (part := os.read(fd, count))"
            f" -> {more} and (part := os.read(fd, count))": "reading nothing gives nothing"
            for more in ("count >= 0", "count > -1")
        },
        **{
            "Recorder._repair: not _torn_start(self._codec.head, read(0, 64))"
            f" -> not _torn_start(self._codec.head, read(0, {count}))": "no head is as long"
            for count in (63, 65)
        },
        "Recorder._repair: whole < size -> whole <= size": "a file cut off at its end is the same",
        "Recorder._release: self._lines.clear() -> pass": _MEMORY,
        "_same: return False -> return None": "asked for its truth alone",
        **{f"check: {_CHECK} -> {_CHECK.replace('0', new)}": "never written" for new in ("1", "-1")},
    },
    "files.py": {
        "lock: 0.0 -> -1.0": "the first look is the last either way",
        "replace_bytes: temporary.unlink(missing_ok=True) -> temporary.unlink(missing_ok=False)": "it is always there",
    },
    "text.py": {
        ": _AHEAD = 4096 -> _AHEAD = 4097": "how far ahead secrets are looked for is a choice",
        ": _AHEAD = 4096 -> _AHEAD = 4095": "how far ahead secrets are looked for is a choice",
        "clean_text: text = bytes(text[:4 * (limit + _AHEAD)]).decode('utf-8', 'replace')"
        " -> text = bytes(text[:5 * (limit + _AHEAD)]).decode('utf-8', 'replace')": "what is too much is cut off again",
        "clean_text: text = bytes(text[:4 * (limit + _AHEAD)]).decode('utf-8', 'replace')"
        " -> text = bytes(text[:3 * (limit + _AHEAD)]).decode('utf-8', 'replace')": "as far ahead for any limit in use",
        "clean_text: plain = redact(str(text)[:limit + _AHEAD])[:limit + 1]"
        " -> plain = redact(str(text)[:limit + _AHEAD])[:limit + 2]": "what is too much is cut off again",
    },
}
"""File below kraken_tui -> name of the change (`operators.Change.key`) -> why nothing is different."""
