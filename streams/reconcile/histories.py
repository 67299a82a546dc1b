"""R5: every history is what the ledger gives, below the watermarks it was read with."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, groupby

from models.features import ENTITIES, Entity
from models.history import Ints, Retention, pack
from streams.ports import Ledger, View
from streams.recomputation import Bundle, canonical, joined, unlike
from streams.reconcile.check import Check
from streams.reconcile.ports import Books, Piece, Spans, Wanted
from streams.reconcile.seen import Seen, SeenView
from streams.topics import Partition
from streams.view.keys import group_of

Key = tuple[Entity, str]

# So many are compared at once; one with more records than this is compared alone, and never held as a whole.
HISTORIES_AT_ONCE = 2000
RECORDS_AT_ONCE = 100_000


@dataclass(frozen=True)
class HistoryCheck:
    """The ledger at one moment, and the view afterwards: what has been settled in between is added.

    A view may be behind, while it is healed: it is compared below its own watermarks.
    """

    view: View
    ledger: Ledger
    books: Books
    retention: Retention
    check: Check

    def look(self, spans: Spans | None = None) -> None:
        """spans: only the histories that have a record there.

        Raises:
            ViewMoved: the view was begun anew meanwhile.
        """
        seen = SeenView(self.view, self.ledger)
        wanted = Wanted(seen.names()) if spans is None else Wanted(spans=spans)
        with self.books.snapshot(wanted) as snapshot:
            for keys, pieces in portions(snapshot.pieces()):
                now = seen.read(_by_entity(keys))
                limits = now.limits(snapshot.progress)
                expected = {
                    key: joined(self._applied(key, parts, limits), key[0], self.retention)
                    for key, parts in groupby(pieces, _key)
                }
                self._add_settled(expected, now, snapshot.progress)
                self._compare(now, expected, snapshot.whole_from_s)

    def _applied(self, key: Key, pieces: Iterable[Piece], limits: Ints) -> Iterator[bytes]:
        """What lies below the limits of the history's own group."""
        mine = limits[group_of(*key, self.view.groups)]
        for piece in pieces:
            below = piece.offset < mine[piece.place]
            yield pack(piece.time_s[below], piece.payload[below], piece.kind[below]).tobytes()

    def _add_settled(self, expected: dict[Key, bytes], now: Seen, progress: Mapping[Partition, int]) -> None:
        """What the view has applied and the snapshot does not know."""
        spans = now.beyond(progress)
        if not spans:
            return
        limits = now.limits({partition: stop for partition, (_, stop) in spans.items()})
        for piece in self.books.settled(spans, _by_entity(expected)):
            key = _key(piece)
            expected[key] += b"".join(self._applied(key, [piece], limits))

    def _compare(self, now: Seen, expected: dict[Key, bytes], from_s: int) -> None:
        """from_s: what is older the ledger may have no more; it counts in no window any more either."""
        found = dict(
            zip(expected, chain.from_iterable(now.histories[each] for each in ENTITIES), strict=True)
        )
        self.check.checked += len(expected)
        keys = list(expected)
        seen = Bundle.of(list(found.values())).in_order().since(from_s)
        wanted = Bundle.of(list(expected.values())).in_order().since(from_s)
        for code in unlike(seen, wanted):
            entity, name = keys[code]
            pair = (
                canonical(raw or b"", entity, self.retention, from_s)
                for raw in (found[keys[code]], expected[keys[code]])
            )
            if len(set(pair)) > 1:
                self.check.find(f"the history of {entity} {name} is not what the ledger gives")


def portions(pieces: Iterable[Piece]) -> Iterator[tuple[list[Key], Iterable[Piece]]]:
    """Histories that are compared at once, with their pieces."""
    keys: list[Key] = []
    held: list[Piece] = []
    records = 0
    for key, group in groupby(pieces, _key):
        parts = iter(group)
        first = next(parts)
        if first.total > RECORDS_AT_ONCE:
            yield [key], chain([first], parts)
            continue
        keys.append(key)
        held += [first, *parts]
        records += first.total
        if len(keys) == HISTORIES_AT_ONCE or records > RECORDS_AT_ONCE:
            yield keys, held
            keys, held, records = [], [], 0
    if keys:
        yield keys, held


def _key(piece: Piece) -> Key:
    return piece.entity, piece.name


def _by_entity(keys: Iterable[Key]) -> dict[Entity, list[str]]:
    names: dict[Entity, list[str]] = {entity: [] for entity in ENTITIES}
    for entity, name in keys:
        names[entity].append(name)
    return names
