"""What a reconciliation takes for given: read at its beginning, in the order that makes it safe."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from streams.reconcile.outputs import CLOCKS_APART, Output, output_of
from streams.reconcile.ports import Offsets
from streams.reconcile.range import Mark, Range, Source, in_ms, source_of
from streams.reconcile.stores import Stores
from streams.topics import KEPT


@dataclass(frozen=True)
class Frame:
    """began: when. sources, outputs: of the topics that workers read, and that they send to."""

    within: Range
    began: datetime
    committed: Mapping[str, Offsets]
    sources: Mapping[str, Source]
    outputs: Mapping[str, Output]
    mark: Mark

    def answered(self, stores: Stores, topic: str) -> Source:
        """Records of a topic that workers read, as far as what was sent for them cannot have expired."""
        kept_since = self.began - KEPT + CLOCKS_APART
        return self.sources[topic].starting(stores.log.since(topic, in_ms(kept_since)))


def frame_of(stores: Stores, within: Range) -> Frame:
    """
    First what workers have sent for good: none of it is for a record at or above the offsets that are then
    read as committed, since Kafka waits for transactions before it tells these. What was sent for the records
    below them is there by then: so the ends are read last.
    """
    log, names, began = stores.log, stores.names, stores.now()
    of = {"ledger": stores.ledger.identity(), **names.ids}
    within, restores = within.on(of), stores.books.restores()
    sent = {topic: {number: last for number, (_, last) in log.ends(topic).items()} for topic in names.outputs}
    committed = {topic: log.committed(topic) for topic in names.inputs}
    sources = {
        topic: source_of(log, topic, names.ids[topic], committed[topic], within) for topic in names.inputs
    }
    outputs = {
        topic: output_of(log, topic, sources[source], within, restores)
        for topic, source in names.outputs.items()
    }
    looked_at = {
        topic: {span.number: span.stop for span in source.spans} for topic, source in sources.items()
    }
    ends = {topic: output.ends for topic, output in outputs.items()}
    mark = Mark(of, {**sent, **looked_at}, committed, ends)
    return Frame(within, began, committed, sources, outputs, mark)
