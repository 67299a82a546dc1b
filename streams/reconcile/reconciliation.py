"""One reconciliation: all checks, each on what must be true already."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from streams.reconcile.alerts import AlertCheck
from streams.reconcile.answers import AnswerCheck
from streams.reconcile.conservation import Tally, conserved
from streams.reconcile.elsewhere import find_dangling, find_unbalanced, rows_elsewhere
from streams.reconcile.frame import frame_of
from streams.reconcile.histories import HistoryCheck
from streams.reconcile.labels import LabelCheck
from streams.reconcile.letters import LetterCheck
from streams.reconcile.outcome import Outcome
from streams.reconcile.positions import Standings, find_strays, has_fallen_back, judge, standings
from streams.reconcile.range import Range, Source, Span
from streams.reconcile.rest import waiting_rows
from streams.reconcile.returned import ReturnedLabels
from streams.reconcile.rows import RowCheck
from streams.reconcile.stores import Stores

Histories = Literal["none", "range", "all"]


class Reconciliation:
    """Holds nothing but what is being compared: memory does not grow with the range."""

    def __init__(self, stores: Stores, within: Range, before: Standings | None = None) -> None:
        """before: where everybody stood at an earlier look."""
        self._stores = stores
        self._before = before or Standings()
        self._within = within

    def run(self, histories: Histories = "all") -> Outcome:
        """histories: which of them; those of the range have a record in it.

        Raises:
            Unavailable: a store is away.
            ViewMoved: the view was begun anew meanwhile.
        """
        self._frame = frame_of(self._stores, self._within)
        self._outcome = Outcome(self._frame.within, mark=self._frame.mark)
        tallies = {topic: self._tallies(topic) for topic in self._stores.names.inputs}
        self._count(tallies)
        self._sent()
        self._rest()
        self._positions()
        if has_fallen_back(self._outcome.standings, self._before):
            histories = "all"
        if histories != "none":
            self._histories(histories)
        return self._outcome

    def _tallies(self, topic: str) -> list[Tally]:
        stores, frame = self._stores, self._frame
        source = frame.sources[topic]
        if topic == stores.names.transactions:
            checks = self._outcome.checks
            answers = AnswerCheck(
                stores.books, stores.signer, source, self._outcome.answers, checks["answers"]
            )
            rows = RowCheck(stores.log, stores.books, stores.codec, source, checks["rows"], answers)
            return [rows.look(span) for span in self._said(source)]
        letters = frame.outputs[stores.names.letters[topic]]
        returned = ReturnedLabels(stores.log, topic, frame.committed[topic], letters)
        labels = LabelCheck(stores.log, stores.books, source, returned, self._outcome.checks["labels"])
        tallies = [labels.look(span) for span in self._said(source)]
        labels.settle()
        return tallies

    def _said(self, source: Source) -> Iterator[Span]:
        for span in source.spans:
            self._stores.say(f"reading {source.topic}, partition {span.number}")
            yield span

    def _count(self, tallies: Mapping[str, Sequence[Tally]]) -> None:
        """Add up what was seen of the records, and what is in the range but not committed yet."""
        stores, outcome = self._stores, self._outcome
        every = [tally for of_topic in tallies.values() for tally in of_topic]
        unfinished = {topic: self._unfinished(self._frame.sources[topic]) for topic in tallies}
        outcome.records = sum(tally.records for tally in every) + sum(unfinished.values())
        outcome.explained = sum(tally.proven for tally in every)
        outcome.quiet = not unfinished[stores.names.transactions]
        outcome.partitions = [
            partition
            for topic, of_topic in tallies.items()
            for partition in conserved(
                stores.books, self._frame.sources[topic], of_topic, outcome.checks["conservation"]
            )
        ]

    def _unfinished(self, source: Source) -> int:
        """Records that are not committed yet: counted, as offsets have holes."""
        starts = {span.number: span.stop for span in source.spans}
        ends = {span.number: span.end for span in source.spans if span.end > span.stop}
        return sum(len(batch) for batch in self._stores.log.read(source.topic, ends, starts))

    def _sent(self) -> None:
        """Compare what was sent with what should have been."""
        stores, frame, checks = self._stores, self._frame, self._outcome.checks
        names, reads = stores.names, (stores.log, stores.books)
        stores.say("reading the alerts and dead letters")
        alerts = frame.outputs[names.alerts]
        repeats, answered = self._outcome.repeats, frame.answered(stores, names.transactions)
        AlertCheck(*reads, answered, alerts, checks["alerts"], repeats).look()
        for topic in names.inputs:
            letters = frame.outputs[names.letters[topic]]
            answered = frame.answered(stores, topic)
            LetterCheck(*reads, answered, letters, checks["dead_letters"], repeats).look()

    def _rest(self) -> None:
        """Look at what belongs to no record of the range."""
        stores, outcome = self._stores, self._outcome
        quiet_at = self._frame.began if outcome.quiet else None
        outcome.elsewhere = {"unclaimed": waiting_rows(stores.books, quiet_at, outcome.checks["rest"])}
        if outcome.within.whole:
            source = self._frame.sources[stores.names.transactions]
            outcome.elsewhere |= rows_elsewhere(stores.books, source, outcome.checks["rows"])
            find_dangling(stores.books, outcome.checks["rows"])
            find_unbalanced(stores.books, outcome.checks["labels"])

    def _positions(self) -> None:
        stores, check = self._stores, self._outcome.checks["positions"]
        ids = stores.names.ids
        self._outcome.standings = standings(stores.log, stores.ledger, stores.view, ids)
        judge(self._outcome.standings, self._before, check)
        find_strays(stores.books, {topic_id: topic for topic, topic_id in ids.items()}, check)

    def _histories(self, which: Histories) -> None:
        stores = self._stores
        stores.say("comparing the histories")
        owned = [source.owned() for source in self._frame.sources.values()]
        check = self._outcome.checks["histories"]
        HistoryCheck(stores.view, stores.ledger, stores.books, stores.retention, check).look(
            None if which == "all" else {**owned[0], **owned[1]}
        )
