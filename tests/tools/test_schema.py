"""Arguments as models write them, against schemas as people write them."""

from typing import Any

import pytest

from voicechat.tools.schema import find_fault, read_arguments

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "integer"},
        "unit": {"enum": ["C", "F", 1]},
        "where": {"type": ["object", "null"], "properties": {"lat": {"type": "number"}}},
        "tags": {"type": "array", "items": {"type": "string"}},
        "loud": {"type": "boolean"},
    },
    "required": ["city"],
}


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({"city": "Oslo"}, ""),
        ({"city": "Oslo", "days": 3, "unit": "C", "where": {"lat": 1}, "tags": ["a"]}, ""),
        ({"city": "Oslo", "days": 3.0, "where": None, "loud": True, "more": object}, ""),
        ({}, "`city` is missing"),
        ({"city": 3}, "`city` must be string"),
        ({"city": "Oslo", "days": 3.5}, "`days` must be integer"),
        ({"city": "Oslo", "days": True}, "`days` must be integer"),
        ({"city": "Oslo", "unit": "K"}, '`unit` must be one of ["C", "F", 1]'),
        ({"city": "Oslo", "unit": True}, '`unit` must be one of ["C", "F", 1]'),
        ({"city": "Oslo", "where": {"lat": "1"}}, "`where.lat` must be number"),
        ({"city": "Oslo", "where": []}, "`where` must be object or null"),
        ({"city": "Oslo", "tags": ["a", 2]}, "`tags[1]` must be string"),
    ],
)
def test_a_fault_is_named_where_it_is(value: Any, fault: str) -> None:
    assert find_fault(value, SCHEMA) == fault


def test_unknown_names_are_a_fault_only_where_the_schema_is_closed() -> None:
    closed = {"properties": {"a": {}}, "additionalProperties": False}
    assert find_fault({"b": 1}, closed) == "`b` is unknown"
    assert find_fault({"b": 1}, closed | {"patternProperties": {"b": {}}}) == ""
    assert find_fault({"b": 1}, {"properties": {"a": {}}}) == ""


@pytest.mark.parametrize(
    "schema",
    [
        {},
        None,
        {"type": 7},
        {"type": []},
        {"type": ["strange", 3]},
        {"properties": 1, "required": "city"},
        {"properties": {"city": "text"}, "required": [1]},
        {"enum": "x"},
    ],
)
def test_a_schema_that_makes_no_sense_lets_pass(schema: Any) -> None:
    assert find_fault({"city": "Oslo"}, schema) == ""


def test_no_schema_is_too_deep() -> None:
    schema: dict[str, Any] = {"type": "array"}
    schema["items"] = schema
    value: list[Any] = []
    for _ in range(200):
        value = [value]
    assert find_fault(value, schema) == ""


def test_nothing_is_an_empty_object() -> None:
    assert read_arguments("") == read_arguments(" {} ") == {}


@pytest.mark.fault("P32")
@pytest.mark.parametrize("text", ["{", '{"a": NaN}', "[" * 100_000, '{"a": 1} x', "9" * 5000])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not valid JSON"):
        read_arguments(text)


@pytest.mark.parametrize("text", ["[]", '"city"', "3", "null"])
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a JSON object"):
        read_arguments(text)
