"""No import goes round in a circle, those for type checkers and those inside functions counted."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
Graph = dict[str, set[str]]


def imports_of(package: Path) -> Graph:
    """What each module of a package imports of it, wherever the import stands."""
    modules = {}
    for path in package.rglob("*.py"):
        parts = path.relative_to(package.parent).with_suffix("").parts
        modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    graph: Graph = {}
    for module, path in modules.items():
        named: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                named |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                full = {f"{node.module}.{alias.name}" for alias in node.names}
                # A name that is not a module counts as the module it comes from.
                named |= {name if name in modules else node.module for name in full}
        graph[module] = (named & modules.keys()) - {module}
    return graph


def reachable(graph: Graph, start: str) -> set[str]:
    """Every module that an import leads to, directly or not."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def circles(graph: Graph) -> list[list[str]]:
    """The modules that import each other in a ring, ring by ring."""
    reach = {module: reachable(graph, module) for module in graph}
    rings = {
        tuple(sorted(other for other in graph if other in reach[module] and module in reach[other]))
        for module in graph
        if module in reach[module]
    }
    return sorted(map(list, rings), key=len)


def test_no_import_circles() -> None:
    assert circles(imports_of(ROOT / "kraken_tui")) == []


@pytest.mark.parametrize(
    "second",
    [
        "import p.a",
        "from p import a",
        "from p.a import name",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from p.a import name",
        "def late():\n    from p.a import name",
    ],
)
def test_a_circle_is_found_however_it_is_closed(second: str, tmp_path: Path) -> None:
    package = tmp_path / "p"
    package.mkdir()
    for name, text in {"__init__": "", "a": "from p import b", "b": second, "c": "import p.a"}.items():
        (package / f"{name}.py").write_text(text, encoding="utf-8")
    assert circles(imports_of(package)) == [["p.a", "p.b"]]
