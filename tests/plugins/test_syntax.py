"""The normal form of source: what it leaves out, and what it tells apart."""

from __future__ import annotations

import ast
import io
import tokenize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from albench.plugins.syntax import Import, read_source

EVERYTHING = '''
"""A module with most of what Python 3.11 has."""
from __future__ import annotations
import os.path as p, sys
from . import near
from ..up import (a as b, c)

X: int = -1_000 + 0x_FF * 1.50 - 2j
(Y): float
BIG = 0xFFFF_FFFF_FFFF_FFFF_FFFF
TEXT = "äé\\U0001FAE8\\ud800" 'b' f"{X!r:>{X}} {TEXT=} {{}}" f"" u"c" f"{'d'}{X:}" if X else rb"\\d"
TABLE = {**{}, 1: True, "k": ..., (): {*()}, None: [*range(3)][::-1]}


@staticmethod
async def f(a, /, b: int = 1, *args, c, d=2, **more) -> None:
    """A docstring."""
    global X, Y
    async with a as (x, y), b:
        async for z in (i async for i in y if i if not i):
            await z
        else:
            yield
    return lambda *_, k=1: (yield)


class C(Base, metaclass=Meta):
    """A class."""

    field: "list[int]" = []
    """Words on a field."""

    def g(self):
        nonlocal_ = 0
        def h():
            nonlocal nonlocal_
            nonlocal_ += 1
            del self.a[0], (b)
        try:
            raise ValueError from None
        except (ValueError, KeyError) as error:
            pass
        except RuntimeError:
            ...
        finally:
            assert 0 < self.a <= 1 != 2 is not None, "words"
        while (n := next(it)) not in (1,):
            if n:
                break
            elif not n:
                continue
            else:
                pass


match X:
    case [1, *rest] | {"a": None, **more} if rest:
        print(rest, sep="")
    case C(x=1, y=-2.5) as c:
        pass
    case None | True | "t" | _:
        pass

if __name__ == "__main__":
    main()
'''


STARRED = "c94c9617b79536ee2a0d6d798aaef7964b1eb7414f46d588a5687794706e602c"


def test_the_hash_of_a_text_is_the_same_on_every_version_of_python() -> None:
    """What CPython 3.11, 3.12 and 3.13 give: another value would throw away everybody's results."""
    ast.parse(EVERYTHING)
    assert read_source(EVERYTHING).digest == "2811cede8af40a9083753b940b33419c56a3505bde17076b76af33e91f0a9bfb"
    assert read_source("try:\n    f()\nexcept* OSError:\n    g()\n").digest == STARRED


class Splits(ast.NodeTransformer):
    """Puts empty texts into f-strings, as Python 3.12 does into some, and cuts their texts in two."""

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.JoinedStr:
        self.generic_visit(node)
        parts: list[ast.expr] = [ast.Constant("")]
        for part in node.values:
            is_text = isinstance(part, ast.Constant) and isinstance(part.value, str)
            parts += [ast.Constant(part.value[:1]), ast.Constant(part.value[1:])] if is_text else [part]
        return ast.JoinedStr([*parts, ast.Constant("")])


def test_an_f_string_is_the_same_however_a_version_of_python_splits_it(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "x = f'one {a:two{b}} three{c}'"
    tree = Splits().visit(ast.parse(text))
    whole = read_source(text)
    with monkeypatch.context() as patch:
        patch.setattr(ast, "parse", lambda _: tree)
        split = read_source(text)
    assert split == whole


def test_the_bytes_of_a_file_are_read_as_python_reads_them() -> None:
    latin = "# -*- coding: latin-1 -*-\nWORD = 'é'\n"
    assert read_source(latin.encode("latin-1")).digest == read_source("WORD = 'é'\n".encode()).digest
    assert read_source(b"\xef\xbb\xbfONE = 1\r\n").digest == read_source("ONE = 1").digest


PIECES = st.sampled_from(["\n", "# words\n", "    \n", "\n\n#\n", "\t# more\n", "\x0c\n"])


@given(st.data())
def test_comments_and_blank_lines_anywhere_between_statements_change_nothing(data: st.DataObject) -> None:
    ends = [
        token.end[0]
        for token in tokenize.generate_tokens(io.StringIO(EVERYTHING).readline)
        if token.type == tokenize.NEWLINE
    ]
    lines = EVERYTHING.splitlines(keepends=True)
    for end in sorted(data.draw(st.lists(st.sampled_from(ends), max_size=5)), reverse=True):
        lines.insert(end, data.draw(PIECES))
    assert read_source("".join(lines)).digest == read_source(EVERYTHING).digest


SAME = [
    ("x = (1 +\n     2)", "x = 1 + 2"),
    ("'a' 'b'", "pass"),
    ("x = 'a' 'b'", 'x = "ab"'),
    ("def f(a,):\n    'd'\n", "def f(a):\n    pass\n"),
    ("class A:\n    'd'\n    x = 1\n    'more'\n", "class A:\n    x = 1\n"),
    ("if __name__ == '__main__':\n    f()\n", ""),
    ("if '__main__' == __name__:\n    f()\n", ""),
    ("x = 0x10", "x = 16"),
    ("x = f'{a}' 'b' 'c'", "x = f'{a}bc'"),
    ("x = f'{a}' f''", "x = f'{a}'"),
]
DIFFERENT = [
    ("x = 1", "x = 1.0"),
    ("x = 1", "x = True"),
    ("x = 'a'", "x = b'a'"),
    ("x = 'a'", "x = a"),
    ("x = None", "x = 'None'"),
    ("x = ...", "x = 'Ellipsis'"),
    ("f()", "pass"),
    ("f(a, b)", "f((a, b))"),
    ("x = [[], []]", "x = [[[]]]"),
    ("x = {**a, b: c}", "x = {b: c, **a}"),
    ("def f(*, a, b=1): f", "def f(*, a=1, b): f"),
    ("def f(a, /, b): f", "def f(a, b): f"),
    ("async def f(): f", "def f(): f"),
    ("from . import a", "from .. import a"),
    ("from a import b", "from a import b as c"),
    ("x = a if b else c", "x = c if b else a"),
    ("if __name__ == '__main__':\n    f()\nelse:\n    g()\n", "if __name__ == '__main__':\n    f()\n"),
    ("if __name__ != '__main__':\n    f()\n", ""),
    ("if a:\n    f()\nelse:\n    pass\ng()", "if a:\n    pass\nelse:\n    f()\ng()"),
    ("x = f'{a!r}'", "x = f'{a!s}'"),
    ("x = f'{a}b'", "x = f'{a:b}'"),
    ("x = f'{a}'", "x = f'{{a}}'"),
    ("x: int", "(x): int"),
    ("class A(B): a", "class A(metaclass=B): a"),
    ("return_ = 1", "x = 1"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_is_written_in_another_way_is_the_same(one: str, other: str) -> None:
    assert read_source(one).digest == read_source(other).digest


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_does_something_else_is_something_else(one: str, other: str) -> None:
    assert read_source(one).digest != read_source(other).digest


def test_the_calls_of_a_notebooks_cell_are_left_out_and_its_definitions_are_not() -> None:
    cell = "class A:\n    x = 1\n"
    assert read_source(cell + "print(A)\n", statements=False) == read_source(cell, statements=False)
    assert read_source(cell + "y = 1\n", statements=False) != read_source(cell, statements=False)


def test_text_that_is_no_python_stands_for_itself() -> None:
    assert read_source("class\n").digest != read_source("class \n").digest
    assert read_source(b"a = '\x00'").digest


def test_a_long_sum_has_a_hash() -> None:
    """Its tree is as deep as the sum is long."""
    text = "x = " + " + ".join(["1"] * 800)
    ast.parse(text)
    assert len(read_source(text).digest) == 64
    assert read_source(text).digest != read_source(text + "+ 1").digest


def test_imports_are_found_wherever_they_stand() -> None:
    text = "import a.b as c, d\ndef f():\n    from ..e import g as h\nif TYPE_CHECKING:\n    from . import i\n"
    assert set(read_source(text).imports) == {Import("a.b"), Import("d"), Import("e", "g", 2), Import("", "i", 1)}
