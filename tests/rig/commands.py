"""The commands that try at length what the tests try in small, and the generated tables of docs/RELIABILITY.md.

python -m tests.rig.commands     writes those tables
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass

from tests.faults.catalogue import fault_table
from tests.properties.catalogue import CHECKS, PROPERTIES, entry_table
from tests.rig.ledger import PROMISES, replace_section, table


@dataclass(frozen=True, slots=True)
class Command:
    """One command that writes a section of docs/FIGURES.md.

    Attributes:
        shows: What it shows, in short.
        long: How to run it for a long look.
        option: The option that says how long, as argparse names it, or "".
        unit: What follows the same number in the figures, a regular expression.
    """

    shows: str
    long: str
    option: str = ""
    unit: str = ""

    @property
    def module(self) -> str:
        """The module it runs."""
        return self.long.split()[2]

    def stated(self, figures: str) -> float | None:
        """The length that figures state, in the unit of the option; None where they state none."""
        found = re.search(rf"([\d,.]+) {self.unit}", figures)
        return float(found[1].replace(",", "")) if found else None


COMMANDS: dict[str, Command] = {
    "chaos": Command(
        "random faults of 27 kinds under the oracle, audits among them; all well 90 s after the last",
        "python -m tests.rig.chaos --seeds 100000", "seeds", "seeds",
    ),
    "pairs": Command(
        "every kind of fault followed by every kind", "python -m tests.rig.chaos --pairs", "seeds", "seeds"
    ),
    "painted": Command(
        "the same faults with the oracle reading the painted cells",
        "python -m tests.rig.painted --seeds 1000", "seeds", "seeds",
    ),
    "sleeps": Command(
        "sleeps of a second to half a day: no old number is painted without STALE",
        "python -m tests.rig.sleeps --count 1000", "count", "sleeps",
    ),
    "neighbours": Command(
        "one book of twenty is harmed: the other nineteen stay as they are",
        "python -m tests.rig.neighbours --count 10000", "count", "injections",
    ),
    "hashes": Command(
        "one recording gives one state hash, whatever Python, hash seed, time zone or language plays it",
        "python -m tests.rig.hashes --pythons python3.11 python3.12 python3.13", "count", "seeds",
    ),
    "until_fault": Command(
        "how soon `doctor --recording FILE --until-fault` finds a fault",
        "python -m tests.rig.until_fault", "minutes", "minutes",
    ),
    "mutants": Command("27 deliberate bugs, each noticed by a test", "python -m tests.rig.mutants"),
    "mutation": Command("every small change of ten modules, noticed by a test", "python -m tests.rig.mutation"),
    "sampled": Command(
        "a random sample of the small changes of every package below the screen",
        "python -m tests.rig.mutation --package all --sample 300",
    ),
    "fuzz": Command(
        "eight fuzz targets", "python -m tests.rig.fuzz all --seconds 60", "seconds", r"s \| Failures"
    ),
    "fuzz-z7": Command(
        "the text gate (F98), by count", "python -m tests.rig.fuzz z7 --inputs 10000000", "inputs", "inputs"
    ),
    "s1": Command(
        "book messages, every checksum proven",
        "python -m tests.rig.soak s1 --messages 10000000", "messages", "book messages",
    ),
    "s2": Command(
        "simulated days with drops, bans, maintenance and sleeps",
        "python -m tests.rig.soak s2 --days 30", "days", "simulated days",
    ),
    "s5": Command(
        "bursts of 50,000 messages in a second, from frame to screen",
        "python -m tests.rig.burst --bursts 60", "bursts", "bursts",
    ),
    "s6": Command(
        "500 messages a second on a pseudo terminal, each timed from frame to screen",
        "python -m tests.terminal.soak s6 --seconds 3600", "seconds", "s at 500",
    ),
    "s7": Command(
        "random keys, mouse and window sizes; the screen equals a fresh drawing",
        "python -m tests.rig.screen_soak --inputs 100000", "inputs", "inputs",
    ),
    "s8": Command(
        "starts and quits of the program", "python -m tests.terminal.soak s8 --count 1000", "count", "starts"
    ),
    "kills": Command(
        "`kill -9` while recording (F80)", "python -m tests.rig.kills --count 1000", "count", "kills"
    ),
    "stalled": Command(
        "a terminal that nobody reads (F71)", "python -m tests.rig.stalled --seconds 60", "seconds", "s unread"
    ),
    "terminal": Command(
        "SIGKILL and SIGSEGV on a terminal (F92)", "python -m tests.terminal.kills 1000", "kills", r"\("
    ),
    "ends": Command(
        "signals and keys in every state (F91, F99)", "python -m tests.terminal.ends --count 200", "count", "times each"
    ),
    "weather": Command(
        "real time: live, recorded and replayed, while disk, name server and terminal hang at random",
        "python -m tests.rig.weather --seconds 3600", "seconds", "s of weather",
    ),
    "wheel": Command("the same sources give the same wheel (X14)", "python -m tests.rig.wheel"),
}  # fmt: skip
"""Every command by the name of its section. Each takes --write, and writes its section."""


def command_table() -> str:
    """One line a command."""
    rows = [(command.shows, f"`{command.long}`") for command in COMMANDS.values()]
    return table(("What it shows", "A long look"), rows)


def tables() -> dict[str, str]:
    """The generated tables of docs/RELIABILITY.md by the name of their section."""
    return {
        "faults": fault_table(),
        "properties": entry_table("P", PROPERTIES),
        "checks": entry_table("X", CHECKS),
        "commands": command_table(),
    }


def main() -> int:
    """Write every table."""
    for name, text in tables().items():
        replace_section(PROMISES, name, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
