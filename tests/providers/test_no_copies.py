"""No provider is another one with the names changed: what two share stands in one place."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest

from voicechat import providers

HOUSE = Path(providers.__file__).parent
SHARED = ("__init__", "base", "catalog")
MOST_LINES = 5
"""In a row, that modules of two providers may have in common."""

_BARE = re.compile(r"[\s()\[\]{},:]*")


def modules() -> list[Path]:
    return sorted(path for path in HOUSE.rglob("*.py") if owner(path) not in SHARED)


def owner(module: Path) -> str:
    """The provider that a module belongs to."""
    return module.relative_to(HOUSE).parts[0].removesuffix(".py")


def significant(source: str) -> list[str]:
    """The lines that say something: no comments, docstrings, imports or lone brackets."""
    skipped = set(_silent(ast.parse(source)))
    lines = (
        " ".join(line.split())
        for number, line in enumerate(_without_comments(source), 1)
        if number not in skipped
    )
    return [line for line in lines if not _BARE.fullmatch(line)]


def _silent(tree: ast.Module) -> Iterator[int]:
    """The numbers of the lines of imports, and of texts that stand alone."""
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_text or isinstance(node, ast.Import | ast.ImportFrom):
            assert isinstance(node, ast.stmt)
            yield from range(node.lineno, (node.end_lineno or node.lineno) + 1)


def _without_comments(source: str) -> list[str]:
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    return lines


def common(first: list[str], second: list[str]) -> list[str]:
    """The longest run of lines that both have."""
    best: list[str] = []
    before = [0] * (len(second) + 1)
    for at, line in enumerate(first, 1):
        runs = [0] * (len(second) + 1)
        for to, other in enumerate(second, 1):
            if line == other:
                runs[to] = before[to - 1] + 1
                if runs[to] > len(best):
                    best = first[at - runs[to] : at]
        before = runs
    return best


def test_no_two_providers_share_a_passage() -> None:
    found = {path: significant(path.read_text("utf-8")) for path in modules()}
    assert len(found) > 30
    copies = {
        f"{one.name} and {other.name}": run
        for one, other in combinations(found, 2)
        if owner(one) != owner(other) and len(run := common(found[one], found[other])) > MOST_LINES
    }
    assert copies == {}


def test_a_copy_is_found_however_it_is_dressed() -> None:
    plain = "import a\ndef f(x):\n    y = x\n    z = y\n    if z:\n        w = z\n    return w\n"
    dressed = '"""Mine."""\nfrom b import c\nK = 1\n\n\ndef f( x ):  # other\n    """Same."""\n'
    dressed = dressed.replace("( x )", "(x)") + "    y = x\n\n    z = y\n    # why\n    if z:\n"
    dressed += "        w = z\n    return w\n"
    assert len(common(significant(plain), significant(dressed))) == 6
    assert common(significant(plain), significant("x = 1\n")) == []


@pytest.mark.parametrize(
    "source", ["", '"""Only a text."""\n', "import a\nfrom b import (\n  c,\n)\n"]
)
def test_what_says_nothing_is_not_counted(source: str) -> None:
    assert significant(source) == []
