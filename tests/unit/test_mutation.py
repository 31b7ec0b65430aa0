"""The mistakes that `nox -s mutants` makes, each on a few lines."""

from __future__ import annotations

import ast

import pytest

from tests.mutation.equivalent import EQUIVALENT
from tests.mutation.operators import Change, changes, defaults_of
from tests.mutation.rooms import PROGRAMS, ROOMS
from tests.mutation.session import ROOT

DEFAULTS = defaults_of(
    iter([ast.parse("def give_back(part, *, counted=None): ...\nclass Update:\n    key: str\n    remove: list = ()")])
)


def made(source: str, *, writes: bool = True) -> list[Change]:
    return changes(ast.parse(source), defaults=DEFAULTS, writes=writes)


def results(body: str, operator: str) -> set[str]:
    """What a function of this body becomes by one operator."""
    source = "def f():\n" + "".join(f"    {line}\n" for line in body.splitlines())
    tree = ast.parse(source)
    found = set()
    for change in changes(tree, defaults=DEFAULTS, writes=True):
        if change.operator == operator:
            with change.made():
                found.add("\n".join(ast.unparse(line) for line in tree.body[0].body))  # type: ignore[attr-defined]
    assert ast.dump(tree) == ast.dump(ast.parse(source)), "the tree is put right again"
    return found


@pytest.mark.parametrize(
    ("operator", "body", "expected"),
    [
        ("operand", "return a and b", {"return a", "return b"}),
        ("operand", "return a & b & c", {"return a & b", "return a & c", "return b & c"}),
        ("operand", "done |= a | b", {"done |= a", "done |= b"}),
        ("negated", "while a:\n    pass", {"while not a:\n    pass"}),
        ("negated", "return [x for x in y if x.ok]", {"return [x for x in y if not x.ok]"}),
        ("negated", "return a if b else c", {"return a if not b else c"}),
        ("comparison", "return a < b", {"return a <= b", "return a >= b"}),
        ("comparison", "return a == b", {"return a != b"}),
        ("comparison", "return a is None", {"return a is not None"}),
        ("comparison", "return a in b", {"return a not in b"}),
        ("condition", "return Attr('a').lte(1)", {"return Attr('a').lt(1)"}),
        ("condition", "return Attr('a').exists()", {"return Attr('a').not_exists()"}),
        ("one", "return a + 1", {"return a"}),
        ("one", "return a - 1", {"return a"}),
        ("not", "return not a", {"return a"}),
        ("boolean", "return False", {"return True"}),
        ("boolean", "g(newest=True)", {"g(newest=False)"}),
        ("swallowed", "try:\n    g()\nexcept E:\n    return None", {"try:\n    g()\nexcept E:\n    pass"}),
        ("swallowed", "try:\n    g()\nexcept E:\n    raise", {"try:\n    g()\nexcept E:\n    pass"}),
        ("forgotten", "claim.stop_work(1)", {"pass"}),
        ("forgotten", "self.leaving = True", {"pass"}),
        ("forgotten", "count += 1", {"pass"}),
        ("forgotten", "del held[name]", {"pass"}),
        ("loop", "for a in b:\n    continue", {"for a in b:\n    break"}),
        ("loop", "for a in b:\n    break", {"for a in b:\n    continue"}),
        ("argument", "return parts.give_back(part, counted='deaths')", {"return parts.give_back(part)"}),
        ("argument", "return replace(part, beat=0)", {"return replace(part)"}),
        ("argument", "return Update(key=k, remove=LEFT)", {"return Update(key=k)"}),
        ("entry", "return Update(set={'a': 1, **b})", {"return Update(set={**b})", "return Update(set={'a': 1})"}),
        ("item", "transact([a, *b])", {"transact([*b])", "transact([a])"}),
    ],
)
def test_a_mistake_is_made(operator: str, body: str, expected: set[str]) -> None:
    assert results(body, operator) == expected


@pytest.mark.parametrize(
    "body",
    ["return Update(when=condition)", "self._change(key, Attr('a').eq(1) & fence(part))", "same = PRESENT & given"],
)
def test_a_condition_holds_always(body: str) -> None:
    (after,) = results(body, "always")
    assert "exists() | " in after
    assert "not_exists()" in after


@pytest.mark.parametrize(
    "source",
    [
        "log.info('part.done', ok=True)",
        "def f() -> A | B:\n    log.warning('x', flag=True)",
        "def f():\n    '''What it is for.'''",
        "def f():\n    assert a is not None and b",
        "if TYPE_CHECKING:\n    import x",
        "class A:\n    def __repr__(self):\n        return 'a' if self.b else 'c'",
        "def f(*, flag: bool = True) -> None: ...",
        "Operation = Put | Update",
    ],
)
def test_what_is_said_to_people_and_types_is_left_alone(source: str) -> None:
    assert made(source) == []


def test_attributes_come_to_be_without_mistakes() -> None:
    assert made("class A:\n    def __init__(self):\n        self.a = b") == []


def test_dictionaries_are_writes_only_where_something_is_written() -> None:
    assert made("def f():\n    return {'a': 1}", writes=False) == []
    assert [change.text for change in made("def f():\n    return {'a': 1}")] == ["'a': 1 -> "]


def test_a_mistake_knows_its_lines_and_its_function() -> None:
    (change,) = made("class A:\n    def f(self):\n        return not (\n            self.a\n        )")
    assert (change.site.where, list(change.lines)) == ("A.f", [3, 4, 5])


def test_mistakes_are_made_in_rooms_and_files_that_are_there() -> None:
    """A room that has moved would be left out without a word."""
    stems = {room: {path.stem for path in (ROOT / room).glob("*.py")} for room in ROOMS}
    assert [room for room, found in stems.items() if not found - PROGRAMS] == []
    assert PROGRAMS - set().union(*stems.values()) == set()
    assert [name for name, _, _ in EQUIVALENT if not (ROOT / name).is_file()] == []
