"""What the program's sources must never hold (RELIABILITY.md X1, X10, X15), read as syntax trees.

The scan is itself tested: every forbidden thing is found in a sample that holds it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import kraken_tui

PACKAGE = Path(kraken_tui.__file__).parent

FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "input"}
FORBIDDEN_MODULES = {"pickle", "cPickle", "marshal", "shelve", "dill", "yaml", "webbrowser", "telnetlib", "ftplib"}
FORBIDDEN_ATTRIBUTES = {
    "os.system", "os.popen", "CERT_NONE", "CERT_OPTIONAL",
    "_create_unverified_context", "_create_default_https_context",
    "check_hostname", "from_markup", "mktemp", "extractall",
}  # fmt: skip
PRINTS = {
    "cli/main.py", "cli/console.py", "cli/crash.py", "cli/doctor.py", "cli/plot.py", "cli/screen.py", "cli/stream.py",
    "terminal/signals.py", "terminal/guardian.py",
    "exchange/__main__.py",
    # The pipes of a process that it starts, and the error stream that this one reads.
    "web/visit.py", "web/visitor.py",
}  # fmt: skip
"""Modules that may name standard output or error; everybody else goes through them or through Textual."""

STARTS_PROCESSES = {"doctor/certificates.py", "terminal/guardian.py", "terminal/signals.py"}
MAKES_TLS_CONTEXTS = {"doctor/certificates.py"}
TAKES_MARKUP = {"Static", "Label", "notify"}
"""Calls of Textual that read markup in their text unless told not to."""


def problems(tree: ast.AST, name: str) -> Iterator[str]:
    """Every forbidden thing in one module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (f"import {alias.name}" for alias in node.names if _forbidden_module(alias.name, name))
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            if _forbidden_module(node.module, name):
                yield f"import {node.module}"
        elif isinstance(node, ast.Attribute):
            if not FORBIDDEN_ATTRIBUTES.isdisjoint((node.attr, ast.unparse(node))):
                yield f".{node.attr}"
            if node.attr == "SSLContext" and name not in MAKES_TLS_CONTEXTS and not _in_annotation(node):
                yield ".SSLContext"
            if node.attr in ("stdout", "stderr") and name not in PRINTS and not _only_asked(node):
                yield f".{node.attr}"
        elif isinstance(node, ast.Call):
            yield from _calls(node, name)


def _forbidden_module(module: str, name: str) -> bool:
    top = module.partition(".")[0]
    return top in FORBIDDEN_MODULES or (top == "subprocess" and name not in STARTS_PROCESSES)


def _in_annotation(node: ast.AST) -> bool:
    return bool(getattr(node, "annotation_of", False))


def _only_asked(node: ast.Attribute) -> bool:
    return bool(getattr(node, "only_asked", False))


def _calls(call: ast.Call, name: str) -> Iterator[str]:
    function = call.func
    called = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    if isinstance(function, ast.Name) and called in FORBIDDEN_CALLS:
        yield f"{called}()"
    if isinstance(function, ast.Name) and called == "print" and name not in PRINTS:
        yield "print()"
    if called == "load" and isinstance(function, ast.Attribute) and ast.unparse(function.value) == "yaml":
        yield "yaml.load()"
    for keyword in call.keywords:
        if keyword.arg == "shell":
            yield "shell="
        if keyword.arg == "verify" or (keyword.arg == "ssl" and ast.unparse(keyword.value) in ("False", "None")):
            yield f"{keyword.arg}="
        if keyword.arg == "markup" and ast.unparse(keyword.value) != "False":
            yield "markup="
    literal = not call.args or (isinstance(call.args[0], ast.Constant) and "[" not in str(call.args[0].value))
    told = any(word.arg == "markup" for word in call.keywords)
    # A renderable of Rich's or Textual's own is not markup; text is, unless marked otherwise.
    built = bool(call.args) and ast.unparse(call.args[0]).startswith(("Text(", "Group(", "Table(", "Content("))
    if called in TAKES_MARKUP and not (literal or told or built):
        yield f"{called}() without markup=False"


def parse(text: str) -> ast.AST:
    """A tree whose annotations, and questions such as `sys.stdout.encoding`, are marked as harmless."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        for field in ("annotation", "returns"):
            for inner in ast.walk(getattr(node, field, None) or ast.Pass()):
                inner.annotation_of = True  # type: ignore[attr-defined]
        asked = node.args[0] if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "getattr" else None
        if isinstance(node, ast.Attribute) and node.attr in ("encoding", "isatty"):
            asked = node.value
        if isinstance(asked, ast.Attribute):
            asked.only_asked = True  # type: ignore[attr-defined]
    return tree


MODULES = sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("name", MODULES)
def test_no_module_holds_a_forbidden_thing(name: str) -> None:
    assert list(problems(parse((PACKAGE / name).read_text(encoding="utf-8")), name)) == []


@pytest.mark.parametrize(
    ("sample", "found"),
    [
        ("import pickle", "import pickle"),
        ("from marshal import loads", "import marshal"),
        ("import subprocess", "import subprocess"),
        ("import yaml\nyaml.load(x)", "yaml.load()"),
        ("eval(x)", "eval()"),
        ("os.system(x)", ".system"),
        ("run(x, shell=True)", "shell="),
        ("context.verify_mode = ssl.CERT_NONE", ".CERT_NONE"),
        ("context.check_hostname = False", ".check_hostname"),
        ("ssl._create_unverified_context()", "._create_unverified_context"),
        ("context = ssl.SSLContext()", ".SSLContext"),
        ("connect(url, ssl=None)", "ssl="),
        ("Text.from_markup(symbol)", ".from_markup"),
        ("Static(symbol)", "Static() without markup=False"),
        ("self.notify(f'{symbol}')", "notify() without markup=False"),
        ("Static('[bold]x[/]')", "Static() without markup=False"),
        ("Static(symbol, markup=True)", "markup="),
        ("print(x)", "print()"),
        ("sys.stderr.write(x)", ".stderr"),
    ],
)
def test_the_scan_finds_it(sample: str, found: str) -> None:
    assert found in list(problems(parse(sample), "tui/sample.py"))


def test_what_is_harmless_passes() -> None:
    sample = (
        "Static('', markup=False)\nre.compile('a')\ndef f(c: ssl.SSLContext) -> None: ...\ngetattr(sys.stdout, 'x')"
    )
    assert list(problems(parse(sample), "tui/sample.py")) == []
