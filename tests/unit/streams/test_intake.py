"""What is received and not handed over yet."""

from streams.intake import Intake
from streams.lanes import Lanes
from tests.builders import TOPIC_IDS
from tests.unit.streams.polling import T0, T1, offsets_of
from tests.unit.streams.scripted_kafka import message


def test_a_partition_with_more_than_fits_goes_behind_the_others() -> None:
    intake = Intake()
    intake.partitions = {T0, T1}
    intake.keep([message(T0, offset) for offset in range(2500)])
    intake.keep([message(T1, offset) for offset in range(600)])
    taken = []
    while intake.records:
        intake.gather(TOPIC_IDS, 1000, "group", 1, Lanes(1, lambda: 0.0))
        taken += [offsets_of(sweep) for sweep in intake.sweeps]
    assert taken == [{T0: 1000}, {T1: 600, T0: 1400}, {T0: 2400}, {T0: 2500}]


def test_what_does_not_fit_keeps_its_place() -> None:
    intake = Intake()
    intake.partitions = {T0, T1}
    intake.keep([message(T0, offset) for offset in range(1000)])
    intake.keep([message(T1, offset) for offset in range(600)])
    intake.gather(TOPIC_IDS, 1000, "group", 1, Lanes(1, lambda: 0.0))
    assert [offsets_of(sweep) for sweep in intake.sweeps] == [{T0: 1000}]
    assert intake.count == 600
