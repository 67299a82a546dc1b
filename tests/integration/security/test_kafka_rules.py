"""Kafka's rules mean nothing where nobody keeps them: that is told, instead of a list of none."""

import pytest

from deploy.access import kafka_access
from deploy.stack.errors import StackError
from tests.stores import Stores

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]


def test_a_kafka_without_an_authorizer_is_told_from_one_without_rules(stores: Stores) -> None:
    for ask in (kafka_access.compared, kafka_access.add):
        with pytest.raises(StackError, match=r"no authorizer, so everybody may do everything\. Next: use"):
            ask(stores.settings, {"worker": "User:worker"})
