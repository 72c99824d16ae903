"""Told the same events, we send what the reference system sent, but for the differences that are wanted."""

from __future__ import annotations

import pytest

from otel_genai.testing import capture

from . import exported, reference
from .comparison import Difference, differences
from .translation import Replay
from .wanted import WANTED, Wanted

METRICS, SPANS = reference.exported()
POINTS = [point for metric in METRICS.values() for point in metric.points]


@pytest.fixture(scope="module")
def ours() -> exported.Exported:
    """What leaves us for the events of the file."""
    replay = Replay([*reference.start(), *reference.events()])
    replay.begin()
    with capture() as captured:
        replay.publish()
        return exported.of(captured)


@pytest.fixture(scope="module")
def found(ours: exported.Exported) -> list[Difference]:
    return differences((METRICS, SPANS), ours)


def unwanted(found: list[Difference]) -> list[Difference]:
    return [one for one in found if not any(row.covers(one) for row in WANTED)]


def test_all_that_the_reference_system_was_told_and_sent_is_held_against_ours(ours: exported.Exported) -> None:
    assert (len(reference.events()), len(METRICS), len(POINTS), len(SPANS)) == (64, 59, 103, 30)
    assert len(ours[1]) == len(SPANS)
    assert ours[0].keys() >= METRICS.keys()


@pytest.mark.parametrize("name", METRICS)
def test_every_point_of_a_metric_is_as_the_reference_system_sent_it(name: str, found: list[Difference]) -> None:
    assert unwanted([one for one in found if one.where == f"metric {name}"]) == []


@pytest.mark.parametrize("name", sorted({span.name for span in SPANS}))
def test_every_span_of_a_name_is_as_the_reference_system_sent_it(name: str, found: list[Difference]) -> None:
    assert unwanted([one for one in found if one.where == f"span {name}"]) == []


def test_nothing_else_leaves(found: list[Difference]) -> None:
    names = {f"metric {name}" for name in METRICS} | {f"span {span.name}" for span in SPANS}
    assert unwanted([one for one in found if one.where not in names]) == []


@pytest.mark.parametrize("row", WANTED, ids=str)
def test_a_difference_that_is_wanted_is_there_and_is_told_once(row: Wanted, found: list[Difference]) -> None:
    covered = [one for one in found if row.covers(one)]
    assert covered
    assert all(sum(other.covers(one) for other in WANTED) == 1 for one in covered)
