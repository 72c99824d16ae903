"""However many models there are: series, and the memory for them, are bounded, and it is told what was folded."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

import otel_genai as genai
from otel_genai import guard
from otel_genai.bus import bus
from otel_genai.catalog.metrics import METRICS
from otel_genai.catalog.rows import Attribute, Metric, On, Shape
from otel_genai.emitters.metrics import Metrics
from otel_genai.emitters.series import MOST_SERIES, OVERFLOW
from otel_genai.events import Event, SeriesFolded
from otel_genai.testing import Captured


@dataclass(eq=False, kw_only=True)
class Seen(Event):
    """A model was seen."""

    kind = "test.seen"

    model: str = ""
    amount: float = 1


MODEL = (Attribute("model", "Which.").of("model"),)
KINDS = ("counter", "up_down_counter", "histogram", "gauge")
ROWS = tuple(Metric(f"test.{kind}", kind, "1", "Seen.", (On(Seen, "amount", MODEL),)) for kind in KINDS)
FOLDED = next(metric for metric in METRICS if metric.on[0].event is SeriesFolded)


class Models:
    """One metric of every kind, on a meter of the SDK and on the bus."""

    def __init__(self) -> None:
        self.reader = InMemoryMetricReader()
        self.provider = MeterProvider([self.reader], shutdown_on_exit=False)
        self.metrics = Metrics(self.provider.get_meter("test"), Shape(), (*ROWS, FOLDED))
        self.published = 0

    def publish(self, upto: int) -> None:
        while self.published < upto:
            genai.publish(Seen(model=f"model-{self.published}"))
            self.published += 1

    def points(self, name: str) -> list[Any]:
        data: Any = self.reader.get_metrics_data()
        scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics]
        return [
            p for scope in scopes for metric in scope.metrics if metric.name == name for p in metric.data.data_points
        ]

    def folded(self) -> dict[str, float]:
        return {point.attributes["otel_genai.metric"]: point.value for point in self.points(FOLDED.name)}

    def remembered(self) -> dict[str, int]:
        """How many series the SDK keeps of each metric."""
        consumer: Any = self.provider._measurement_consumer  # nothing public tells it
        (storage,) = consumer._reader_storages.values()
        matches = storage._instrument_view_instrument_matches.items()
        return {key.name: sum(len(one._attributes_aggregation) for one in ones) for key, ones in matches}


@pytest.fixture
def models() -> Iterator[Models]:
    found = Models()
    undo = bus.connect(found.metrics.handler)
    yield found
    undo()


def test_up_to_two_thousand_models_are_told_apart_and_nothing_is_folded(models: Models) -> None:
    models.publish(MOST_SERIES)
    assert {len(models.points(f"test.{kind}")) for kind in KINDS} == {MOST_SERIES}
    assert models.folded() == {}


@pytest.mark.parametrize("kind", ["counter", "up_down_counter", "histogram"])
def test_what_is_over_is_in_one_series_and_is_counted(models: Models, kind: str) -> None:
    models.publish(MOST_SERIES + 30)
    genai.publish(Seen(model="model-7"))
    points = models.points(f"test.{kind}")
    assert len(points) == MOST_SERIES + 1
    (rest,) = [point for point in points if point.attributes == dict(OVERFLOW)]
    assert getattr(rest, "count", None) == 30 if kind == "histogram" else rest.value == 30
    assert models.folded()[f"test.{kind}"] == 30


@pytest.mark.slow
def test_fifty_thousand_models_take_no_more_memory_than_ten_thousand(models: Models) -> None:
    models.publish(10_000)
    models.points("test.counter")
    before = allocated()
    models.publish(50_000)
    models.points("test.counter")
    assert allocated() - before < 4000
    assert max(models.remembered().values()) == MOST_SERIES + 1
    assert models.folded() == dict.fromkeys([f"test.{kind}" for kind in KINDS], 50_000 - MOST_SERIES)


def allocated() -> int:
    """How many pieces of memory the interpreter has given to objects."""
    gc.collect()
    return sys.getallocatedblocks()


def test_it_is_said_once_per_metric_that_it_folds(models: Models, caplog: pytest.LogCaptureFixture) -> None:
    models.publish(MOST_SERIES + 3)
    said = [record.getMessage() for record in caplog.records if record.name == guard.logger.name]
    wanted = [f"test.{kind} has 2000 series: what is new is no longer told apart" for kind in KINDS]
    assert sorted(said) == sorted(wanted)


def test_the_metrics_of_the_catalog_are_bounded_and_nothing_of_them_is_lost(captured: Captured) -> None:
    for number in range(MOST_SERIES + 10):
        genai.publish(genai.events.ModelUsage(provider="p", model=f"m-{number}", input_tokens=1))
    folded = {point["otel_genai.metric"]: point.value for point in captured.points("otel_genai.series.folded")}
    assert folded["gen_ai.client.token.usage"] == 10
    assert folded["openclaw.tokens"] == 3 * (MOST_SERIES + 10) - MOST_SERIES  # of each: input, prompt and total
    assert sum(point.sum or 0 for point in captured.points("gen_ai.client.token.usage")) == MOST_SERIES + 10


@pytest.mark.parametrize(
    "spoilt", [float("nan"), float("inf"), float("-inf"), -1, 2**53, 2**64, pytest.param(10**400, id="10**400")]
)
def test_an_amount_that_is_no_sum_does_not_spoil_a_counter(models: Models, spoilt: float) -> None:
    models.publish(1)
    genai.publish(Seen(model="model-0", amount=spoilt))
    (point,) = models.points("test.counter")
    assert point.value == 1


def test_a_counter_that_may_fall_falls(models: Models) -> None:
    models.publish(1)
    genai.publish(Seen(model="model-0", amount=-3))
    (point,) = models.points("test.up_down_counter")
    assert point.value == -2
    genai.publish(Seen(model="model-0", amount=-(2**53)))
    (point,) = models.points("test.up_down_counter")
    assert point.value == -2
