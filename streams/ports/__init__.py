"""The sweep's three neighbours, and what passes between them. Each has a real one and a fake one."""

from streams.ports.answers import AnswerLedger, Produced
from streams.ports.ledger import (
    DecisionRows,
    DueLabels,
    Duplicates,
    LabelPlace,
    LabelsSettled,
    Ledger,
    Mark,
    ParkedLabel,
    Place,
    Poison,
    Recorded,
    Scoring,
    Settled,
    Step,
)
from streams.ports.listing import Alerted, FeedPage, Listings, PlaceInFeed, PlaceInList
from streams.ports.outbox import Outbox
from streams.ports.view import Additions, Applied, Change, GroupState, View, ViewRead

__all__ = [
    "Additions",
    "Alerted",
    "AnswerLedger",
    "Applied",
    "Change",
    "DecisionRows",
    "DueLabels",
    "Duplicates",
    "FeedPage",
    "GroupState",
    "LabelPlace",
    "LabelsSettled",
    "Ledger",
    "Listings",
    "Mark",
    "Outbox",
    "ParkedLabel",
    "Place",
    "PlaceInFeed",
    "PlaceInList",
    "Poison",
    "Produced",
    "Recorded",
    "Scoring",
    "Settled",
    "Step",
    "View",
    "ViewRead",
]
