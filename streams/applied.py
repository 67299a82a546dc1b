"""How far the view has applied each partition: what a barrier waits for, and what a check compares."""

from collections.abc import Mapping

from models.errors import NotFound
from streams.offsets import Place
from streams.ports import View
from streams.topics import Partition


class AppliedOffsets:
    """Watermarks by topic and partition number, the least over all state groups.

    topic_ids: Kafka's ids of the topics by name.
    """

    def __init__(self, view: View, topic_ids: Mapping[str, str], partitions: int) -> None:
        self._view = view
        self._places: dict[Partition, Place] = {
            Partition(topic_id, number): (topic, number)
            for topic, topic_id in topic_ids.items()
            for number in range(partitions)
        }

    def views(self) -> dict[int, str]:
        """The view key of each state group.

        Raises:
            NotFound: there is no view: no worker has run yet.
        """
        groups = self._view.read({}, [], {}).groups
        views = {number: state.view for number, state in enumerate(groups) if state.view is not None}
        if len(views) < self._view.groups:
            raise NotFound("Redis holds no view yet", why="no worker has run", next_step="fraudml up")
        return views

    def now(self) -> dict[Place, int]:
        """The first offset of each partition that is not applied; 0 while there is no view."""
        try:
            views = self.views()
        except NotFound:
            return dict.fromkeys(self._places.values(), 0)
        groups = self._view.read(views, list(self._places), {}).groups
        return {
            place: min(state.watermarks[partition] for state in groups)
            for partition, place in self._places.items()
        }
