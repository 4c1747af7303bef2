"""Terminal guardian: restores a terminal's modes when the program that had taken it was killed.

Runs alone in a bare interpreter (`python -I -S -c`), so it imports nothing of ours and little else. Its descriptors:
0 the pipe from the program, 1 the terminal's output, 2 the terminal whose modes count. The last whole line before the
end of the pipe says what to do: `taken MODES LFLAG LEAVE` (numbers, number, hexadecimal) or `released`.

When the program dies, the shell that started it wakes microseconds later, and its prompt should appear on the main
screen. So everything possible is prepared in advance, and the alternate screen is left before the modes are set.
"""

import os
import select
import signal
import termios

PATIENCE_MS = 400
LINES_KEPT = 2048
OURS = termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG


class Plan:
    """What to do at the end, read from the words of the last line."""

    def __init__(self, words: list[str]) -> None:
        numbers = [int(word) for word in words[1].split(",")]
        self.modes: list[int | list[bytes | int]] = [*numbers[:6], list(numbers[6:])]
        self.lflag = int(words[2]) & OURS
        self.leave = bytes.fromhex(words[3])

    def carry_out(self, output: int, room: select.poll) -> None:
        """Leave the screen and restore the modes; the pending output of a stalled terminal is dropped."""
        if not room.poll(PATIENCE_MS):
            termios.tcflush(output, termios.TCOFLUSH)
        os.write(output, self.leave)
        # If the modes are not the program's, a shell's line editor has set them already.
        if termios.tcgetattr(2)[3] & OURS == self.lflag:
            termios.tcsetattr(2, termios.TCSANOW, self.modes)


def watch() -> Plan | None:
    """Wait for the end of the program, and return what to do then."""
    heard, plan = b"", None
    while more := os.read(0, 4096):
        heard = (heard + more)[-LINES_KEPT:]
        words = heard.rpartition(b"\n")[0].rpartition(b"\n")[2].decode("ascii").split()
        plan = Plan(words) if len(words) == 4 and words[0] == "taken" else None
    return plan


def main() -> None:
    """Watch, restore and exit within a second of the program's end, even if the terminal hangs."""
    os.chdir("/")
    # Reopened, because O_NONBLOCK would otherwise apply to the shell's descriptor too.
    output = os.open(os.ttyname(1), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
    room = select.poll()
    room.register(output, select.POLLOUT)
    plan = watch()
    # The one signal that is not blocked here.
    signal.alarm(1)
    if plan is not None:
        plan.carry_out(output, room)


if __name__ == "__main__":
    try:
        main()
    finally:
        # An error means that the terminal is gone, and its modes with it; there is nowhere to report it.
        os._exit(0)
