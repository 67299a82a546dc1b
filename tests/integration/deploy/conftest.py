"""One small stack for all tests that do not break it; those that do make their own."""

from collections.abc import Iterator

import pytest

from deploy.stack.stack import Stack
from deploy.stack.temporary import temporary_stack
from tests.integration.deploy.stacks import no_schema


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Kafka, Valkey and Postgres."""
    with temporary_stack(migrate=no_schema, partitions=2) as stack:
        yield stack
