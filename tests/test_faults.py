"""Every row of the catalogue of faults has a test that shows it, and every marker has its row."""

import ast
import tomllib
from collections import defaultdict
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parent
CATALOGUE = TESTS / "faults.toml"
PER_LETTER = {"N": 39, "P": 40, "A": 23, "T": 20, "D": 17, "S": 18, "X": 9}
"""How many rows each part has; their numbers have no holes."""


def rows() -> dict[str, dict[str, str]]:
    return tomllib.loads(CATALOGUE.read_text("utf-8"))


@cache
def marked() -> dict[str, list[str]]:
    """Row to the tests that say they show it."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        source = path.read_text("utf-8")
        if "mark.fault(" in source:
            for row, place in markers(ast.parse(source)):
                found[row].append(f"{path.relative_to(TESTS)}: {place}")
    return dict(found)


def markers(module: ast.Module) -> list[tuple[str, str]]:
    """Rows, each with the test (or `pytestmark`, or the table) that names it."""
    return [
        (row, _name(statement))
        for statement in module.body
        for node in ast.walk(statement)
        for row in _rows(node)
    ]


def _rows(node: ast.AST) -> list[str]:
    """What `pytest.mark.fault("N21", …)` names; anything but plain texts has no place in it."""
    if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.fault"):
        return []
    return [str(ast.literal_eval(argument)) for argument in node.args]


def _name(statement: ast.stmt) -> str:
    return statement.name if isinstance(statement, _NAMED) else ast.unparse(statement)[:40]


_NAMED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def test_rows_are_numbered_without_holes_and_say_what_must_happen() -> None:
    wanted = [
        f"{letter}{n:02}" for letter, count in PER_LETTER.items() for n in range(1, count + 1)
    ]
    assert list(rows()) == wanted
    for row, words in rows().items():
        assert set(words) == {"fault", "must"} and all(words.values()), row


def test_every_row_has_a_test() -> None:
    assert [row for row in rows() if row not in marked()] == []


def test_every_marker_has_a_row() -> None:
    unknown = {row: places for row, places in marked().items() if row not in rows()}
    assert unknown == {}


def test_markers_are_found_wherever_they_stand() -> None:
    found = markers(
        ast.parse(
            "pytestmark = [pytest.mark.sound, pytest.mark.fault('N01')]\n"
            "@pytest.mark.fault('P01', 'P02')\nasync def test_a(): ...\n"
            "class TestB:\n    @pytest.mark.fault('D01')\n    def test_c(self): ...\n"
            "@pytest.mark.parametrize('x', [pytest.param(1, marks=pytest.mark.fault('T01'))])\n"
            "def test_d(x): ...\n"
        )
    )
    assert [row for row, _ in found] == ["N01", "P01", "P02", "D01", "T01"]
    assert [place for _, place in found][1:] == ["test_a", "test_a", "TestB", "test_d"]
