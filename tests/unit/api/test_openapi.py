"""The OpenAPI document says what the gateway does, with examples that fit."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from api.access import HEADER
from api.problems import KINDS
from models.scopes import SCOPES
from tests.unit.api.described import FILE, document, routes, text


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document()


def test_the_committed_document_is_what_the_routes_give() -> None:
    """`python -m tests.unit.api.described` writes it anew: look at what changes."""
    assert FILE.read_text() == text()


def test_every_route_is_described(described: dict[str, Any]) -> None:
    there = {(method, path) for path, methods in described["paths"].items() for method in methods}
    assert there == routes().keys()
    assert all("summary" in described["paths"][path][method] for method, path in there)


def test_every_route_under_v1_needs_a_scope_that_there_is(described: dict[str, Any]) -> None:
    for (method, path), route in routes().items():
        security = described["paths"][path][method].get("security")
        assert security == ([{"key": [route.scope]}] if path.startswith("/v1/") else None)
        assert route.scope is None or route.scope in SCOPES
    assert described["components"]["securitySchemes"]["key"]["name"].lower() == HEADER


def contents(described: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for (method, path), _ in routes().items():
        operation = described["paths"][path][method]
        bodies = operation.get("requestBody", {}).get("content", {})
        answers = [answer["content"] for answer in operation["responses"].values()]
        for content in (bodies, *answers):
            yield from ((f"{method} {path}", each) for each in content.values())


def test_every_example_fits_its_schema(described: dict[str, Any]) -> None:
    for where, content in contents(described):
        schema = {**content["schema"], "components": described["components"]}
        examples = [each["value"] for each in content.get("examples", {}).values()] or [content["example"]]
        for example in examples:
            errors = list(Draft202012Validator(schema).iter_errors(example))
            assert errors == [], (where, example)


def test_every_problem_that_a_caller_can_meet_is_described(described: dict[str, Any]) -> None:
    told = {code for _, content in contents(described) for code in content.get("examples", {})}
    # Nothing here is nested, so nothing is too deep; and no described route lacks its path or its method.
    assert KINDS.keys() - told == {"too_deep", "method_not_allowed"}
