"""Who decided, kept once and known by a number."""

from models.features import FEATURE_NAMES
from streams.ledger import reading
from streams.ledger.connection import TimedConnection
from streams.ports.ledger import Scoring

FIND_SCORING = """
    SELECT scoring_id FROM scorings WHERE (variant, model_name, model_version, policy_version, ab_version,
        feature_names) = (%s, %s, %s, %s, %s, %s)
"""
ADD_SCORING = """
    INSERT INTO scorings (variant, model_name, model_version, policy_version, ab_version, feature_names)
    VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""


def number_of_scoring(connection: TimedConnection, scoring: Scoring) -> int:
    """The number of who decided, given at the first row."""
    known = connection.numbers
    if scoring not in known:
        values = [*scoring, list(FEATURE_NAMES)]
        connection.execute(ADD_SCORING, values)
        known[scoring] = int(reading.one(connection, FIND_SCORING, values))
    return known[scoring]
