"""What the code and the documents cite exists: the document, its section, the id in it, the path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = (
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "benchmarks").glob("*.md")),
)
CODE = tuple(path for name in ("kraken_tui", "tests", "benchmarks") for path in sorted((ROOT / name).rglob("*.py")))

# A document's name, then what of it is meant: sections by number, ids such as F12, or a title in quotes.
_CITATION = re.compile(
    r"(?P<name>(?:docs/)?[A-Z][A-Z_]+)\.md"
    r"(?:,? sections? (?P<sections>\d[\d.]*(?:(?:, | and | to )\d[\d.]*)*)(?:,? (?:item|rule) (?P<item>\d+))?)?"
    r"(?:,?(?: faults?)? (?P<ids>[A-Z]\d{1,3}(?:(?:, | and | to )[A-Z]\d{1,3})*)\b)?"
    r"(?:, \"(?P<title>[^\"]+)\")?"
)
# Within a file that cites PROTOCOL.md, a bare "section 4.3" means that document.
_BARE = re.compile(r"(?<!\.md )(?<!\.md, )(?<!RFC \d{4} )\bsections? (\d[\d.]*)")


class Citation(NamedTuple):
    """A document and the part of it that is cited: "" for the whole, a section, an id, or a title."""

    document: str
    part: str = ""


def numbers(text: str) -> Iterator[str]:
    """What a list such as "2 to 4", "7.3 and 10.1" or "F91 to F93, F99" names, ranges written out."""
    for piece in re.split(r", | and ", text):
        first, _, last = (end.rstrip(".") for end in piece.partition(" to "))
        if not last:
            yield first
            continue
        letter = first[0] if first[0].isalpha() else ""
        width = len(first) - len(letter)
        for number in range(int(first[len(letter) :]), int(last[len(letter) :]) + 1):
            yield f"{letter}{number:0{width}d}"


def citations(text: str, *, bare: bool = True) -> Iterator[Citation]:
    """Every citation of a source text; line breaks and comment marks within one do not matter."""
    flat = " ".join(re.sub(r"^\s*#", "", line).strip() for line in text.splitlines())
    for match in _CITATION.finditer(flat):
        name = match["name"].removeprefix("docs/")
        yield Citation(name)
        for section in numbers(match["sections"]) if match["sections"] else ():
            yield Citation(name, f"{section}.{match['item']}" if match["item"] else section)
        for identity in numbers(match["ids"]) if match["ids"] else ():
            yield Citation(name, identity)
        if match["title"]:
            yield Citation(name, match["title"])
    if bare and "PROTOCOL.md" in flat:
        yield from (Citation("PROTOCOL", match[1].rstrip(".")) for match in _BARE.finditer(flat))


def parts(text: str) -> frozenset[str]:
    """What can be cited of a document: section numbers, titles, "0.7" for item 7 of section 0, bold leads, ids."""
    found = set()
    section = ""
    for line in text.splitlines():
        if heading := re.match(r"#+ (?:(\d+(?:\.\d+)*)\.? )?(.+)", line):
            section = heading[1] or ""
            found |= {section, heading[2].strip()}
        elif item := re.match(r"(\d+)\. ", line):
            found.add(f"{section}.{item[1]}")
        elif lead := re.match(r"\*\*(.+?)\.?\*\*", line):
            found.add(lead[1])
        # An id stands first in its row or line, plainly or in bold.
        if identity := re.match(r"(?:\| |[-*] |#+ )?\**([A-Z]\d{1,3})\b", line):
            found.add(identity[1])
    return frozenset(found - {""})


@cache
def known() -> dict[str, frozenset[str]]:
    """Parts by document."""
    return {path.stem: parts(path.read_text(encoding="utf-8")) for path in DOCUMENTS}


def dead(found: Iterator[Citation]) -> list[str]:
    """Citations of what is not there."""
    return [
        f"{name}.md {part}".strip()
        for name, part in found
        if name not in known() or (part and part not in known()[name])
    ]


def test_citations_are_recognised() -> None:
    text = '''"""See PROTOCOL.md section 4.3, PROTOCOL.md section 0, rule 7 and docs/RELIABILITY.md faults F03 to F05
    (section 9). Also LIBRARY.md, and DESIGN.md, "Words"; RFC 6455 section 5.2 is another's."""
    # A comment that breaks (PROTOCOL.md
    # sections 7.3 and 10.1).'''
    assert list(citations(text)) == [
        ("PROTOCOL", ""), ("PROTOCOL", "4.3"), ("PROTOCOL", ""), ("PROTOCOL", "0.7"),
        ("RELIABILITY", ""), ("RELIABILITY", "F03"), ("RELIABILITY", "F04"), ("RELIABILITY", "F05"),
        ("LIBRARY", ""), ("DESIGN", ""), ("DESIGN", "Words"),
        ("PROTOCOL", ""), ("PROTOCOL", "7.3"), ("PROTOCOL", "10.1"), ("PROTOCOL", "9"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        "TEXTUAL.md 2.9",
        "PROTOCOL.md section 4.9",
        "PROTOCOL.md section 0.13",
        "RELIABILITY.md F200",
        'DESIGN.md, "Wit"',
    ],
)
def test_a_dead_citation_is_found(wrong: str) -> None:
    assert dead(citations(f"# As said before ({wrong})."))


def test_what_the_code_cites_exists() -> None:
    # This file holds dead citations on purpose.
    found = {path: dead(citations(path.read_text(encoding="utf-8"))) for path in CODE if path != Path(__file__)}
    assert {path.relative_to(ROOT).as_posix(): lines for path, lines in found.items() if lines} == {}


def test_what_can_be_cited_of_a_document() -> None:
    text = "# Guide\n## 2. Rules\n1. First.\n### 2.3 More\n**A sink.** One class.\n| F12 | a fault | F13 |\n"
    assert parts(text) == {"Guide", "2", "Rules", "2.1", "2.3", "More", "A sink", "F12"}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_cites_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert dead(citations(text, bare=False)) == []
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    assert [target for target in targets if not (path.parent / target).exists()] == []


# A folder, a file, or a module without its ending, such as `feed/session`.
_PATH = re.compile(r"`((?:[A-Za-z_.]+/)+(?:[A-Za-z_]+(?:\.[a-z]+)?)?|[A-Za-z_]+\.(?:py|md|toml))`")


def missing(paths: list[str]) -> list[str]:
    """Paths that exist neither in the repository nor in the package."""
    places = (ROOT, ROOT / "kraken_tui")
    return [path for path in paths if not any((at / name).exists() for at in places for name in (path, f"{path}.py"))]


@pytest.mark.parametrize(("name", "least"), [("CONTRIBUTING.md", 50), ("docs/DESIGN.md", 15)])
def test_every_path_of_the_guides_exists(name: str, least: int) -> None:
    paths = _PATH.findall((ROOT / name).read_text(encoding="utf-8"))
    assert len(paths) >= least
    assert missing(paths) == []


@pytest.mark.parametrize("wrong", ["`feed/sessions`", "`feed/sessions.py`", "`feeds/`", "`message.py`"])
def test_a_dead_path_is_found(wrong: str) -> None:
    assert missing(_PATH.findall(f"See {wrong}."))


def tree(text: str) -> list[str]:
    """Paths of the drawn tree in DESIGN.md, section 2: two more spaces are one folder down."""
    block = text.split("```")[1]
    folders: list[str] = []
    found = []
    for line in block.strip().splitlines():
        name = line.split()[0]
        folders[len(line) - len(line.lstrip()) >> 1 :] = [name.rstrip("/")]
        found.append("/".join(folders))
    return found


def test_the_tree_of_the_design_names_every_folder_and_nothing_else() -> None:
    drawn = tree((ROOT / "docs" / "DESIGN.md").read_text(encoding="utf-8"))
    assert missing(drawn) == []
    folders = {path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "kraken_tui").rglob("__init__.py")}
    assert folders - set(drawn) == set()
