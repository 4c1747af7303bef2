"""Terminal guardian: puts a terminal's modes back when the program that had taken it was killed.

Runs alone in a bare interpreter (`python -I -S -c`), so it imports nothing of ours and little else. Its three files:
0 the pipe from the program, 1 the terminal's output, 2 the terminal whose modes count. The last whole line that came
before the pipe's end says what to do: `taken MODES LFLAG LEAVE` (numbers, number, hexadecimal) or `released`.
"""

import os
import termios

LINE_MAX = 2048
PATIENCE_S = 0.4


def last_words() -> list[str]:
    """Wait for the end of the program; the words of its last whole line."""
    heard = b""
    while more := os.read(0, 4096):
        heard = (heard + more)[-LINE_MAX:]
    lines = heard.split(b"\n")
    return lines[-2].decode("ascii").split() if len(lines) > 1 else []


def restore_modes(before: str, taken_lflag: int) -> None:
    """Set the modes from before, unless somebody else (a shell's line editor) has set others meanwhile."""
    ours = termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG
    if termios.tcgetattr(2)[3] & ours == taken_lflag & ours:
        numbers = [int(word) for word in before.split(",")]
        characters: list[bytes | int] = list(numbers[6:])
        termios.tcsetattr(2, termios.TCSANOW, [*numbers[:6], characters])


def leave(text: bytes) -> None:
    """Write the sequences that leave the screen; where the terminal takes nothing, what waits there is dropped."""
    import select

    output = os.open(os.ttyname(1), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
    room = select.poll()
    room.register(output, select.POLLOUT)
    if not room.poll(PATIENCE_S * 1000):
        termios.tcflush(1, termios.TCOFLUSH)
    os.write(output, text)


def main() -> None:
    """Watch, restore, end; within a second of the program's end whatever the terminal does."""
    os.chdir("/")
    words = last_words()
    if len(words) == 4 and words[0] == "taken":
        import signal

        # The one signal that is not blocked here.
        signal.alarm(1)
        restore_modes(words[1], int(words[2]))
        leave(bytes.fromhex(words[3]))


if __name__ == "__main__":
    try:
        main()
    finally:
        # An error means that the terminal is gone, and its modes with it; nobody would read about it.
        os._exit(0)
