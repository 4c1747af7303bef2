"""Small changes of a program: what a slip of the hand or of the mind would write instead.

Comparisons (also at their boundary), arithmetic, numbers one off, truth values, `and` and `or`, `not`, `min` and `max`,
conditions, statements left out, results left out, `break` and `continue`. Texts, types, decorators, options of classes
and `__slots__` stay, and how much of a text is repeated: a sentence with another word in it is not a wrong number.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from types import CodeType

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
}
_NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
_SNIPPET = 72

_DESCRIBES = {"annotation", "returns", "decorator_list", "bases", "format_spec", "ops", "op", "ctx"}
_ONE_LINE = (
    ast.expr,
    ast.keyword,
    ast.comprehension,
    ast.Assign,
    ast.AnnAssign,
    ast.AugAssign,
    ast.Return,
    ast.Expr,
    ast.Raise,
)


@dataclass(frozen=True, slots=True)
class _Edit:
    """A node, one of its fields, what stands there instead, and the statements to show where one is exchanged."""

    owner: ast.AST
    field: str
    new: object
    statements: tuple[ast.stmt, ast.stmt] | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One changed program.

    Attributes:
        source: The module before.
        number: Which of its changes this is.
        where: Function or class, dotted; "" for the module itself.
        text: Source before and after, such as "at < len(keys) -> at <= len(keys)"; with `where` its lasting name. One
            that stands there several times is numbered from the second on.
        line: Where it stands today.
    """

    source: str
    number: int
    where: str
    text: str
    line: int

    @property
    def key(self) -> str:
        """Name within its file that outlives changes elsewhere."""
        return f"{self.where}: {self.text}"

    def code(self, filename: str) -> CodeType:
        """The changed module, compiled."""
        tree = ast.parse(self.source)
        _, _, edit = next(islice(_all_edits(tree), self.number, None))
        setattr(edit.owner, edit.field, edit.new)
        return compile(ast.fix_missing_locations(tree), filename, "exec", dont_inherit=True)


def changes(source: str) -> Iterator[Change]:
    """Every change of one module, outer parts first."""
    seen: Counter[str] = Counter()
    for number, (parents, node, edit) in enumerate(_all_edits(ast.parse(source))):
        line = next((part.lineno for part in (node, *parents[::-1]) if isinstance(part, ast.stmt | ast.expr)), 1)
        if edit.statements:
            before, after = (ast.unparse(statement) for statement in edit.statements)
            line = edit.statements[0].lineno
        else:
            shown = _shown(parents, node)
            before = _source(shown)
            old = getattr(edit.owner, edit.field)
            setattr(edit.owner, edit.field, edit.new)
            after = _source(shown)
            setattr(edit.owner, edit.field, old)
        where = ".".join(part.name for part in (*parents, node) if isinstance(part, ast.FunctionDef | ast.ClassDef))
        change = Change(source, number, where, f"{before} -> {after}", line)
        seen[change.key] += 1
        if seen[change.key] > 1:
            change = replace(change, text=f"{change.text} (no. {seen[change.key]})")
        yield change


def _all_edits(tree: ast.Module) -> Iterator[tuple[tuple[ast.AST, ...], ast.AST, _Edit]]:
    for parents, node in _walk(tree, ()):
        for edit in _edits(node):
            yield parents, node, edit


def _shown(parents: tuple[ast.AST, ...], node: ast.AST) -> ast.AST:
    """The node, or as much around it as fits one line."""
    if isinstance(node, _ONE_LINE):
        for parent in reversed(parents):
            if not isinstance(parent, _ONE_LINE) or len(ast.unparse(parent)) > _SNIPPET:
                break
            node = parent
    return node


def _source(node: ast.AST) -> str:
    """Source of a node; of `if` and `while` the condition."""
    return ast.unparse(node.test if isinstance(node, ast.If | ast.While) else node)


def _walk(node: ast.AST, parents: tuple[ast.AST, ...]) -> Iterator[tuple[tuple[ast.AST, ...], ast.AST]]:
    """Nodes with their parents, outermost first; without what only describes."""
    yield parents, node
    below = (*parents, node)
    for field, value in ast.iter_fields(node):
        # Options of a class (`gc=False`) belong to its declaration, like decorators.
        if field not in _DESCRIBES and not (field == "keywords" and isinstance(node, ast.ClassDef)):
            if field == "args" and _is_call_of(node, "clean_text"):
                value = value[:1]
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST) and not _only_describes(child):
                    yield from _walk(child, below)


def _only_describes(node: ast.AST) -> bool:
    if isinstance(node, ast.Name):
        # What stands below it is read by type checkers alone.
        return node.id == "TYPE_CHECKING"
    if isinstance(node, ast.keyword):
        # `zip(strict=True)` states what holds, as an assertion does.
        return node.arg == "strict"
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Assign):
        return isinstance(node.targets[0], ast.Name) and node.targets[0].id == "__slots__"
    return isinstance(node, ast.Import | ast.ImportFrom)


def _is_call_of(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def _edits(node: ast.AST) -> Iterator[_Edit]:
    """What may be changed at this node itself."""
    match node:
        case ast.Compare():
            for at, op in enumerate(node.ops):
                for other in _COMPARISONS[type(op)]:
                    yield _Edit(node, "ops", [*node.ops[:at], other(), *node.ops[at + 1 :]])
        case ast.BinOp() | ast.AugAssign():
            yield _Edit(node, "op", _ARITHMETIC[type(node.op)]())
        case ast.BoolOp():
            yield _Edit(node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And())
        case ast.Constant(value=bool()):
            yield _Edit(node, "value", not node.value)
        case ast.Constant(value=int() | float()):
            yield _Edit(node, "value", node.value + 1)
            yield _Edit(node, "value", node.value - 1)
        case ast.Name(id=name) if name in _NAMES:
            yield _Edit(node, "id", _NAMES[name])
        case ast.Return(value=ast.expr() as value) if not (isinstance(value, ast.Constant) and value.value is None):
            yield _Edit(node, "value", ast.Constant(None))
        case ast.If() | ast.While() | ast.IfExp() if not _is_turned_elsewhere(node.test):
            yield _Edit(node, "test", ast.UnaryOp(ast.Not(), node.test))
    for field, value in ast.iter_fields(node):
        if isinstance(value, list):
            for at, item in enumerate(value):
                if edit := _edit_of_item(node, field, item):
                    new, statements = edit
                    yield _Edit(node, field, [*value[:at], new, *value[at + 1 :]], statements)
        elif isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.Not | ast.USub):
            yield _Edit(node, field, value.operand)


def _edit_of_item(node: ast.AST, field: str, item: object) -> tuple[ast.AST, tuple[ast.stmt, ast.stmt] | None] | None:
    """What may stand instead of an operand, a condition of a comprehension, or a statement; None for nothing."""
    match item:
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            return item.operand, None
        case ast.expr() if field == "ifs" and not _is_turned_elsewhere(item):
            return ast.UnaryOp(ast.Not(), item), None
        case ast.Break():
            instead: ast.stmt = ast.Continue()
        case ast.Continue():
            instead = ast.Break()
        case ast.Return(value=None) | ast.Raise() | ast.Delete() | ast.AugAssign():
            instead = ast.Pass()
        case ast.Expr() if not _only_describes(item):
            instead = ast.Pass()
        case ast.Assign() if not isinstance(node, ast.Module | ast.ClassDef) and not _binds_new_names(item):
            instead = ast.Pass()
        case _:
            return None
    return ast.copy_location(instead, item), (item, instead)


def _is_turned_elsewhere(test: ast.expr) -> bool:
    """Whether another change makes the opposite of a condition, or it is one for type checkers."""
    return (
        _only_describes(test)
        or (isinstance(test, ast.Compare) and len(test.ops) == 1)
        or (isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not))
    )


def _binds_new_names(statement: ast.Assign) -> bool:
    """Whether it names something for the first time, so that anything that runs would miss it."""
    names = {node.id for target in statement.targets for node in ast.walk(target) if isinstance(node, ast.Name)}
    used = {node.id for node in ast.walk(statement.value) if isinstance(node, ast.Name)}
    return all(isinstance(target, ast.Name) for target in statement.targets) and not names & used
