"""Which code may go on with which schema, while a version is rolled out."""

from hypothesis import given
from hypothesis import strategies as st

from deploy import migrations
from streams.ledger.connection import SCHEMA, SERVES, serves

schemas = st.integers(1, 9999).map("{:04}".format)


@given(schemas, schemas, schemas)
def test_a_newer_schema_serves_the_code_that_it_names_and_what_lies_between(
    schema: str, since: str, code: str
) -> None:
    expected = schema == code or (schema > code and since <= code)
    assert serves(schema, SERVES.format(since), code) == expected


@given(schemas, st.none() | st.text(max_size=20), schemas)
def test_a_schema_that_names_nobody_serves_its_own_code_alone(
    schema: str, comment: str | None, code: str
) -> None:
    assert serves(schema, comment, code) == (schema == code)


def test_the_newest_schema_serves_this_code_and_none_of_the_future() -> None:
    assert migrations.head() == SCHEMA
    assert migrations.SERVES_SINCE <= SCHEMA
