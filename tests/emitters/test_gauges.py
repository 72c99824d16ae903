"""A gauge shows what is known, and nothing that is not known any more."""

from __future__ import annotations

import gc
import weakref
from dataclasses import dataclass
from math import inf, nan
from typing import Any

import pytest
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader

import otel_genai as genai
from otel_genai.catalog.rows import Attribute, Metric, On, Shape
from otel_genai.emitters import series
from otel_genai.emitters.meters import Meters
from otel_genai.emitters.metrics import Metrics
from otel_genai.events import ContainerStats, Event
from otel_genai.testing import Captured


@dataclass(eq=False, kw_only=True)
class Reading(Event):
    """What a thermometer says."""

    kind = "test.reading"

    place: str = "roof"
    degrees: float | None = None
    humidity: float | None = None
    fresh_ms: float | None = None
    """Milliseconds for which it holds."""


PLACE = (Attribute("place", "Where it hangs.").of("place"),)
ROWS = (
    Metric("test.degrees", "gauge", "Cel", "How warm it is.", (On(Reading, "degrees", PLACE),)),
    Metric("test.humidity", "gauge", "%", "How humid it is.", (On(Reading, "humidity", PLACE),)),
    Metric("test.readings", "counter", "1", "Readings.", (On(Reading, 1, PLACE),)),
)


class Station:
    """Rows of a test on a meter of the SDK, with as many readers as wanted."""

    def __init__(self, readers: int = 1) -> None:
        self.readers = [InMemoryMetricReader() for _ in range(readers)]
        self.provider = MeterProvider(self.readers, shutdown_on_exit=False)
        self.metrics = Metrics(self.provider.get_meter("test"), Shape(), ROWS)
        handler = self.metrics.handler(Reading, Reading.kind)
        assert handler is not None
        self.tell = handler

    def read(self, **fields: Any) -> None:
        self.tell(Reading(**fields))

    def seen(self, name: str = "test.degrees", reader: int = 0) -> dict[str, float]:
        """What is exported of a metric: its values by place."""
        data = self.readers[reader].get_metrics_data()
        scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics] if data else []
        metrics = [metric for scope in scopes for metric in scope.metrics if metric.name == name]
        points = [point for metric in metrics for point in metric.data.data_points]
        return {point.attributes.get("place", "all others"): point.value for point in points}

    def remembered(self, name: str = "test.degrees") -> list[int]:
        """How many series the SDK keeps, per reader."""
        consumer: Any = self.provider._measurement_consumer  # nothing public tells it
        matches = [storage._instrument_view_instrument_matches for storage in consumer._reader_storages.values()]
        return [len(one._attributes_aggregation) for by in matches for key in by if key.name == name for one in by[key]]


@pytest.fixture
def station() -> Station:
    return Station()


def test_a_gauge_shows_the_last_value_of_each_series_at_every_export(station: Station) -> None:
    station.read(degrees=1.5)
    station.read(degrees=0)
    station.read(place="cellar", degrees=12)
    assert station.seen() == {"roof": 0, "cellar": 12}
    assert station.seen() == {"roof": 0, "cellar": 12}


@pytest.mark.parametrize(
    "unknown", [None, nan, inf, -inf, 2**53, -(2**64), pytest.param(10**400, id="10**400"), "warm"]
)
def test_what_is_not_known_any_more_is_gone_at_once(station: Station, unknown: float | None) -> None:
    station.read(degrees=20, humidity=50)
    station.read(place="cellar", degrees=12)
    assert station.seen() == {"roof": 20, "cellar": 12}
    station.read(degrees=unknown, humidity=51)
    assert station.seen() == {"cellar": 12}
    assert station.seen("test.humidity") == {"roof": 51}


def test_what_was_never_known_is_not_shown(station: Station) -> None:
    station.read()
    assert station.seen() == {}
    assert station.seen("test.readings") == {"roof": 1}


def test_what_is_not_renewed_in_time_is_gone_and_comes_back_when_it_is_told_again(station: Station) -> None:
    station.read(degrees=20, fresh_ms=0)
    station.read(place="cellar", degrees=12, fresh_ms=60_000)
    station.read(place="garden", degrees=15)
    assert station.seen() == {"cellar": 12, "garden": 15}
    station.read(degrees=21)
    assert station.seen() == {"roof": 21, "cellar": 12, "garden": 15}


def test_a_value_stands_for_five_minutes_where_its_event_does_not_say(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    station.read(degrees=20)
    now = series.time.monotonic()
    monkeypatch.setattr(series.time, "monotonic", lambda: now + 299)
    assert station.seen() == {"roof": 20}
    monkeypatch.setattr(series.time, "monotonic", lambda: now + 301)
    assert station.seen() == {}


def test_every_reader_sees_the_same() -> None:
    station = Station(readers=2)
    station.read(degrees=20)
    station.read(place="cellar", degrees=12)
    assert station.seen(reader=0) == station.seen(reader=1) == {"roof": 20, "cellar": 12}
    station.read(degrees=None)
    assert station.seen(reader=1) == station.seen(reader=0) == {"cellar": 12}


def test_places_that_come_and_go_leave_nothing_behind() -> None:
    station = Station(readers=2)
    for number in range(3 * series.MOST_SERIES):
        station.read(place=f"place-{number}", degrees=number)
        station.read(place=f"place-{number - 10}")
        if number % 100 == 0:
            assert len(station.seen(reader=number // 100 % 2)) <= 10
    assert len(station.seen()) == 10
    assert max(station.remembered()) <= 200
    assert station.seen() == {f"place-{number}": number for number in range(number - 9, number + 1)}


def test_what_is_out_of_date_makes_place_for_what_is_new(station: Station) -> None:
    for number in range(series.MOST_SERIES):
        station.read(place=f"place-{number}", degrees=1, fresh_ms=0)
    station.read(degrees=20)
    assert station.seen() == {"roof": 20}


def test_a_gauge_has_no_value_for_all_that_found_no_place(station: Station) -> None:
    for number in range(series.MOST_SERIES + 5):
        station.read(place=f"place-{number}", degrees=number)
    assert len(station.seen()) == series.MOST_SERIES
    assert "all others" not in station.seen()
    station.read(place="place-7", degrees=-1)
    assert station.seen()["place-7"] == -1


def test_a_provider_that_is_let_go_takes_its_instruments_along() -> None:
    gc.collect()
    before = len(series._instruments)
    station = Station()
    station.read(degrees=20, humidity=50)
    assert station.seen() == {"roof": 20}
    assert len(series._instruments) == before + 1
    station.provider.shutdown()
    del station
    gc.collect()
    assert len(series._instruments) == before


@pytest.mark.parametrize("temporality", [AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA])
def test_our_provider_that_is_let_go_is_freed(temporality: AggregationTemporality) -> None:
    rows = (*ROWS, Metric("test.spread", "histogram", "Cel", "How warm it was.", (On(Reading, "degrees", PLACE),)))
    provider = Meters([InMemoryMetricReader({Histogram: temporality})])
    handler = Metrics(provider.get_meter("test"), Shape(), rows).handler(Reading, Reading.kind)
    assert handler is not None
    handler(Reading(degrees=20))
    provider.force_flush()
    provider.shutdown()
    let_go = weakref.ref(provider)
    del provider, handler
    gc.collect()
    assert let_go() is None


def test_what_an_agent_uses_is_three_gauges_and_gone_when_it_is(captured: Captured) -> None:
    genai.publish(ContainerStats(agent_id="ada", runtime_family="openclaw", cpu_percent=150.5, memory_mb=512))
    about = {"nora.agent.id": "ada", "nora.runtime.family": "openclaw"}
    (cpu,), (memory,) = captured.points("nora.agent.cpu.percent"), captured.points("nora.agent.memory.usage")
    assert (cpu.value, cpu.unit, cpu.attributes) == (150.5, "%", about)
    assert (memory.value, memory.unit, memory.attributes) == (512, "{MB}", about)
    assert captured.points("nora.agent.memory.percent") == []
    genai.publish(ContainerStats(agent_id="ada", runtime_family="openclaw"))
    assert captured.points("nora.agent.cpu.percent") == captured.points("nora.agent.memory.usage") == []


def test_a_forked_child_does_not_repeat_what_its_parent_saw(station: Station) -> None:
    station.read(degrees=20)
    assert station.seen() == {"roof": 20}
    series._forked()
    assert station.seen() == {}
    assert station.seen("test.readings") == {"roof": 1}
