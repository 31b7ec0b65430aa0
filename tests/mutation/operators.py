"""Mistakes that a hand makes in conditions, guards and counters. Pure: from a module's tree to its changes.

mutmut and cosmic-ray turn `&` into `|` and `<` into `<=`, but neither drops an operand of a condition, an entry of a
write's `set=`, a `when=` or a statement, which is what the promises here hang on. Both also start pytest and import
everything anew for each mutant, which at three seconds an import would take hours.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

Defaults: TypeAlias = Mapping[str, frozenset[str]]
"""The parameters that have defaults, of each function and dataclass by its name."""
_ALWAYS = ast.parse(
    "(lambda pk: pk.exists() | pk.not_exists())(__import__('boto3.dynamodb.conditions', fromlist=['Attr']).Attr('pk'))",
    mode="eval",
).body
_LOGS = frozenset({"log", "logs", "logging", "print", "structlog"})
_UNSAID = frozenset({"__repr__", "__str__"})
_MAKING = frozenset({"__init__", "__post_init__"})
"""Where attributes come to be: without one of those lines nothing works at all, which proves nothing."""
_BOUNDARY: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
_OPPOSITE: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_CONDITIONS = {
    "eq": "ne",
    "ne": "eq",
    "lt": "lte",
    "lte": "lt",
    "gt": "gte",
    "gte": "gt",
    "exists": "not_exists",
    "not_exists": "exists",
}
_MADE_OF_CONDITIONS = frozenset({"fence", "_same_launch", "_same"})
"""Functions that return a condition."""
_OF_A_WRITE = frozenset({"when", "set", "add", "remove"})


@dataclass(frozen=True, kw_only=True)
class Site:
    """A node, and where it hangs."""

    node: ast.AST
    holder: ast.AST
    field: str
    index: int | None
    statement: ast.stmt
    where: str
    """Qualified name of the function; empty outside of one."""
    handling: bool
    """Whether this is what is done about an exception."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One mistake: `instead` in the place of a node."""

    operator: str
    before: str
    after: str
    site: Site
    instead: ast.AST = field(repr=False)

    @property
    def line(self) -> int:
        return int(getattr(self.site.node, "lineno", self.site.statement.lineno))

    @property
    def column(self) -> int:
        return int(getattr(self.site.node, "col_offset", 0))

    @property
    def lines(self) -> range:
        """Those of the node."""
        return range(self.line, int(getattr(self.site.node, "end_lineno", self.line)) + 1)

    @property
    def text(self) -> str:
        """In one line."""
        return f"{self.before} -> {self.after}"

    @contextmanager
    def made(self) -> Iterator[None]:
        """The tree with the mistake in it."""
        self._put(self.instead)
        try:
            yield
        finally:
            self._put(self.site.node)

    def _put(self, node: ast.AST) -> None:
        if self.site.index is None:
            setattr(self.site.holder, self.site.field, node)
        else:
            getattr(self.site.holder, self.site.field)[self.site.index] = node


def changes(tree: ast.Module, *, defaults: Defaults, writes: bool) -> list[Change]:
    """Every mistake that can be made in a module, each once; `writes`: whether its dicts and lists are written."""
    found: dict[tuple[int, str, str], Change] = {}
    for site in _sites(tree):
        for operator, before, after, instead in _mistakes(site, defaults, writes=writes):
            ast.copy_location(instead, site.node)
            ast.fix_missing_locations(instead)
            change = Change(operator=operator, before=before, after=after, site=site, instead=instead)
            found.setdefault((id(site.node), before, after), change)
    return sorted(found.values(), key=lambda change: (change.line, change.operator))


def defaults_of(trees: Iterator[ast.Module]) -> Defaults:
    """Of every function and dataclass in these modules."""
    known: dict[str, set[str]] = {}
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names = [argument.arg for argument in node.args.args[len(node.args.args) - len(node.args.defaults) :]]
            pairs = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            names += [argument.arg for argument, default in pairs if default is not None]
            known.setdefault(node.name, set()).update(names)
        elif isinstance(node, ast.ClassDef):
            fields = [one for one in node.body if isinstance(one, ast.AnnAssign) and one.value is not None]
            names = [one.target.id for one in fields if isinstance(one.target, ast.Name)]
            known.setdefault(node.name, set()).update(names)
    return {name: frozenset(names) for name, names in known.items()}


_Mistake: TypeAlias = tuple[str, str, str, ast.AST]


def _mistakes(site: Site, defaults: Defaults, *, writes: bool) -> Iterator[_Mistake]:
    operators: list[Callable[[Site], Iterator[_Mistake]]] = [
        _operand,
        _always,
        _negation,
        _comparison,
        _condition,
        _one,
        _plain,
        _boolean,
        _swallowed,
        _forgotten,
        _loop,
        partial(_argument, defaults=defaults),
    ]
    if writes:
        operators += [_entry, _item]
    for operator in operators:
        yield from operator(site)


def _text(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())


def _operand(site: Site) -> Iterator[_Mistake]:
    """One operand of `and`, `or`, `&`, `|` is left out."""
    node = site.node
    if isinstance(node, ast.BoolOp):
        for index, value in enumerate(node.values):
            rest = [*node.values[:index], *node.values[index + 1 :]]
            left = rest[0] if len(rest) == 1 else ast.BoolOp(op=node.op, values=rest)
            sign = "and" if isinstance(node.op, ast.And) else "or"
            yield "operand", f"{sign} {_text(value)}", "", left
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr) and site.where:
        if isinstance(site.holder, ast.BinOp) and type(site.holder.op) is type(node.op):
            return
        operands = list(_chain(node, type(node.op)))
        sign = "&" if isinstance(node.op, ast.BitAnd) else "|"
        for index, value in enumerate(operands):
            first, *others = [*operands[:index], *operands[index + 1 :]]
            for other in others:
                first = ast.BinOp(left=first, op=node.op, right=other)
            yield "operand", f"{sign} {_text(value)}", "", first


def _chain(node: ast.expr, sign: type[ast.operator]) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp) and type(node.op) is sign:
        yield from _chain(node.left, sign)
        yield from _chain(node.right, sign)
    else:
        yield node


def _always(site: Site) -> Iterator[_Mistake]:
    """A write's condition holds whatever the item is like."""
    node = site.node
    wanted = isinstance(site.holder, ast.keyword) and site.holder.arg == "when" and not _is_none(node)
    outermost = _is_condition(node) and not _is_condition(site.holder)
    if isinstance(node, ast.expr) and (wanted or outermost):
        yield "always", f"when={_text(node)}", "always", _ALWAYS


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_condition(node: ast.AST) -> bool:
    match node:
        case ast.Name(id="ABSENT" | "PRESENT", ctx=ast.Load()):
            return True
        case ast.Call(func=ast.Name(id=name)):
            return name in _MADE_OF_CONDITIONS
        case ast.Call(func=ast.Attribute(attr=method, value=value)):
            return (method in _CONDITIONS or method == "is_in") and _is_attribute(value)
        case ast.BinOp(op=ast.BitAnd() | ast.BitOr(), left=left, right=right):
            return _is_condition(left) or _is_condition(right)
        case ast.IfExp(body=body, orelse=orelse):
            return _is_condition(body) or _is_condition(orelse)
    return False


def _is_attribute(node: ast.AST) -> bool:
    """`Attr(…)`, or a name that holds one."""
    match node:
        case ast.Call(func=ast.Name(id="Attr")):
            return True
        case ast.Name(id="source"):
            return True
    return False


def _negation(site: Site) -> Iterator[_Mistake]:
    """A test means the opposite; of a comparison and of a `not` that is another operator's."""
    node = site.node
    tested = site.field in {"test", "guard"} or (site.field == "ifs" and isinstance(site.holder, ast.comprehension))
    if not tested or not isinstance(node, ast.expr):
        return
    if isinstance(node, ast.Compare) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)):
        return
    yield "negated", _text(node), f"not ({_text(node)})", ast.UnaryOp(op=ast.Not(), operand=node)


def _comparison(site: Site) -> Iterator[_Mistake]:
    """Off by one, or the opposite."""
    node = site.node
    if not isinstance(node, ast.Compare):
        return
    for index, sign in enumerate(node.ops):
        for table in (_BOUNDARY, _OPPOSITE):
            if other := table.get(type(sign)):
                ops = [*node.ops[:index], other(), *node.ops[index + 1 :]]
                instead = ast.Compare(left=node.left, ops=ops, comparators=node.comparators)
                yield "comparison", _text(node), _text(instead), instead


def _condition(site: Site) -> Iterator[_Mistake]:
    """The same of a condition on an item."""
    node = site.node
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_attribute(node.func.value)):
        return
    if other := _CONDITIONS.get(node.func.attr):
        func = ast.Attribute(value=node.func.value, attr=other, ctx=ast.Load())
        instead = ast.Call(func=func, args=node.args, keywords=node.keywords)
        yield "condition", _text(node), _text(instead), instead


def _one(site: Site) -> Iterator[_Mistake]:
    """`+ 1` and `- 1` are forgotten."""
    node = site.node
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        if isinstance(node.right, ast.Constant) and node.right.value == 1:
            yield "one", _text(node), _text(node.left), node.left
        elif isinstance(node.left, ast.Constant) and node.left.value == 1:
            yield "one", _text(node), _text(node.right), node.right


def _plain(site: Site) -> Iterator[_Mistake]:
    """A `not` is forgotten."""
    node = site.node
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "not", _text(node), _text(node.operand), node.operand


def _boolean(site: Site) -> Iterator[_Mistake]:
    """True where False should be, as an argument, an answer or a note."""
    node = site.node
    if not (isinstance(node, ast.Constant) and isinstance(node.value, bool) and site.where):
        return
    if isinstance(site.holder, ast.Call | ast.keyword | ast.Return | ast.Assign | ast.AnnAssign):
        place = _text(site.holder)
        instead = ast.Constant(value=not node.value)
        yield "boolean", place, f"{not node.value}", instead


def _swallowed(site: Site) -> Iterator[_Mistake]:
    """What an exception should lead to is forgotten, as if nothing had been raised."""
    node = site.node
    if not site.handling:
        return
    answers = isinstance(node, ast.Return) and node.value is not None and not _is_boolean(node.value)
    if answers or isinstance(node, ast.Raise):
        yield "swallowed", _text(node), "pass", ast.Pass()


def _is_boolean(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, bool)


def _forgotten(site: Site) -> Iterator[_Mistake]:
    """A call for its effect, a note on an object, a count."""
    node = site.node
    if site.where and isinstance(node, ast.stmt) and _matters(node, site.where.rsplit(".", 1)[-1]):
        yield "forgotten", _text(node), "pass", ast.Pass()


def _matters(node: ast.stmt, function: str) -> bool:
    match node:
        case ast.Expr(value=ast.Call()):
            return "super()" not in _text(node)
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            return function not in _MAKING
        case ast.AugAssign() | ast.Delete():
            return True
    return False


def _loop(site: Site) -> Iterator[_Mistake]:
    """The rest is not looked at, or is although it should not be."""
    if isinstance(site.node, ast.Continue):
        yield "loop", "continue", "break", ast.Break()
    elif isinstance(site.node, ast.Break):
        yield "loop", "break", "continue", ast.Continue()


def _argument(site: Site, *, defaults: Defaults) -> Iterator[_Mistake]:
    """An argument is left to its default."""
    node = site.node
    if not isinstance(node, ast.Call):
        return
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    for index, given in enumerate(node.keywords):
        if given.arg is None or not (name == "replace" or given.arg in defaults.get(name, frozenset())):
            continue
        if given.arg in _OF_A_WRITE and (given.arg == "when" or isinstance(given.value, ast.Dict | ast.List)):
            continue  # their operators are others
        keywords = [*node.keywords[:index], *node.keywords[index + 1 :]]
        instead = ast.Call(func=node.func, args=node.args, keywords=keywords)
        yield "argument", f"{name}({given.arg}={_text(given.value)})", "", instead


def _entry(site: Site) -> Iterator[_Mistake]:
    """An attribute of a write is left out."""
    node = site.node
    if isinstance(node, ast.Dict) and site.where:
        for index, (key, value) in enumerate(zip(node.keys, node.values, strict=True)):
            keys = [*node.keys[:index], *node.keys[index + 1 :]]
            values = [*node.values[:index], *node.values[index + 1 :]]
            shown = f"**{_text(value)}" if key is None else f"{_text(key)}: {_text(value)}"
            yield "entry", shown, "", ast.Dict(keys=keys, values=values)


def _item(site: Site) -> Iterator[_Mistake]:
    """An operation of a transaction is left out, or what a write should remove."""
    node = site.node
    if isinstance(node, ast.List) and isinstance(node.ctx, ast.Load):
        for index, one in enumerate(node.elts):
            elements = [*node.elts[:index], *node.elts[index + 1 :]]
            yield "item", _text(one), "", ast.List(elts=elements, ctx=ast.Load())


def _sites(tree: ast.Module) -> Iterator[Site]:
    for index, statement in enumerate(tree.body):
        root = Site(
            node=statement,
            holder=tree,
            field="body",
            index=index,
            statement=statement,
            where="",
            handling=False,
        )
        yield from _below(root, ())


def _below(site: Site, names: tuple[str, ...]) -> Iterator[Site]:
    """The site and those inside, without what is said to types, people and logs."""
    node = site.node
    if _is_talk(node):
        return
    yield site
    where, handling = site.where, site.handling
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        names = (*names, node.name)
        handling = False
        if not isinstance(node, ast.ClassDef):
            where = ".".join(names)
    elif isinstance(node, ast.ExceptHandler):
        handling = True
    for name, index, child in _children(node):
        statement = child if isinstance(child, ast.stmt) else site.statement
        yield from _below(
            Site(
                node=child,
                holder=node,
                field=name,
                index=index,
                statement=statement,
                where=where,
                handling=handling,
            ),
            names,
        )


def _children(node: ast.AST) -> Iterator[tuple[str, int | None, ast.AST]]:
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list", "bases"} or isinstance(value, ast.arguments):
            continue
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and name != "body":
            continue
        if isinstance(value, list):
            yield from ((name, index, child) for index, child in enumerate(value) if isinstance(child, ast.AST))
        elif isinstance(value, ast.AST):
            yield name, None, value


def _is_talk(node: ast.AST) -> bool:
    match node:
        case ast.If(test=ast.Name(id="TYPE_CHECKING")) | ast.Assert() | ast.Import() | ast.ImportFrom():
            return True
        case ast.FunctionDef(name=name):
            return name in _UNSAID
        case ast.Call(func=func):
            return ast.unparse(func).split(".", 1)[0] in _LOGS
        case ast.Expr(value=value):
            return isinstance(value, ast.Constant) or _is_talk(value)
    return False
