"""The instruments of a meter, each with its own bounded set of series."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from weakref import WeakKeyDictionary, WeakSet, ref

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from .. import guard, locks
from ..bus import bus
from ..catalog.rows import Metric, Value
from ..events import SeriesFolded
from . import histograms
from .histograms import NUMBERS, TOO_MUCH, Amounts, Labels, Moment, Place, fit
from .meters import book_of

Series = tuple[tuple[str, Value], ...]
"""A set of attributes that can be looked up."""

MOST_SERIES = 2000
"""Sets of attributes per metric, beside the one for what is over: as many as the SDK keeps."""
OVERFLOW: Series = (("otel.metric.overflow", True),)
"""Where everything goes that finds no place of its own, as in the SDK."""
LEAST = 1 - TOO_MUCH
"""The least amount where one may be negative."""
TOO_LONG = 2**63
"""From here on a whole number has no place in what is sent."""
FRESH_MS = 300_000.0
"""How long a gauge's value stands where its event does not say: five minutes."""


class Bounded:
    """What every kind of instrument has in common: a name, and something to say of what it folds."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._folded = False

    def tell_of_fold(self) -> None:
        """Tell of one measurement that found no series of its own; no lock may be held."""
        if not self._folded:
            self._folded = True
            guard.logger.warning("%s has %d series: what is new is no longer told apart", self._name, MOST_SERIES)
        bus.publish(SeriesFolded(metric=self._name))


folding: deque[Bounded] = deque()
"""Each measurement that found no series of its own, until that is told."""


def tell_of_folds() -> None:
    """Tell of those; no lock may be held."""
    while folding:
        try:
            one = folding.popleft()
        except IndexError:  # another thread was faster
            return
        one.tell_of_fold()


class Measured(Bounded):
    """An instrument that is added to, in one place for each set of attributes."""

    def __init__(self, name: str, make: Callable[[Labels], Place]) -> None:
        super().__init__(name)
        self._make = make
        self._places: dict[Series, Place] = {}
        self._rest: Place | None = None

    def place(self, attributes: Labels) -> Place:
        """Where amounts with these attributes go, to be kept by who has more of them."""
        series: Series = tuple(attributes.items())
        found = self._places.get(series)
        if found is not None:
            return found
        with histograms.adding:
            if series not in self._places and len(self._places) < MOST_SERIES:
                self._places[series] = self._make(attributes)
        return self._places.get(series, self._over)

    def _over(self, amounts: Amounts, moments: Sequence[Moment]) -> None:
        """Add to what is over."""
        if self._rest is None:
            self._rest = self._make(dict(OVERFLOW))
        self._rest(amounts, moments)
        folding.extend(self for amount in amounts if amount is not None)


class Tally(Measured):
    """The sums of a counter, kept here and read at each export: an addition costs a fraction of the SDK's own."""

    def __init__(self, name: str, least: float = LEAST) -> None:
        super().__init__(name, self._sum)
        self.least = least
        """Zero where a sum may only rise."""
        self._sums: list[Sum] = []

    def _sum(self, attributes: Labels) -> Place:
        self._sums.append(made := Sum(self.least, attributes))
        return made.add

    def observe(self, _: CallbackOptions) -> list[Observation]:
        """Every sum there is, for whoever exports."""
        return [Observation(sent(one.amount), one.attributes) for one in list(self._sums) if one.amount is not None]


class Sum:
    """One sum of a tally, and what it is of."""

    __slots__ = ("_least", "amount", "attributes")

    def __init__(self, least: float, attributes: Labels) -> None:
        self._least = least
        self.attributes = attributes
        self.amount: float | None = None

    def add(self, amounts: Amounts, moments: Sequence[Moment]) -> None:
        amounts, _, total = fit(amounts, moments, self._least)
        if amounts:
            self.amount = total if self.amount is None else self.amount + total


def sent(amount: float) -> float:
    """A sum as it can be sent."""
    return amount if abs(amount) < TOO_LONG else float(amount)


class Distribution(Measured):
    """A histogram, kept here or by the SDK; its series are bounded where it can be seen what is folded."""


class LastValues(Bounded):
    """A gauge: what was said last of each series, for as long as it holds. What is not known any more is not shown."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._lock = locks.lock()
        self._values: dict[Series, tuple[float, float]] = {}
        """Each with the time at which it is out of date."""
        self._lost = False
        self._instrument: Callable[[], Any] | None = None
        _gauges.add(self)

    def shown_by(self, instrument: Any) -> LastValues:
        """The SDK's instrument is known, but not held: it holds all that is collected with it, and so its meter."""
        self._instrument = guard.attempt(ref, instrument)[0]
        return self

    def keep(self, amount: float | None, attributes: Labels, fresh_ms: float | None) -> None:
        """`amount` holds for `fresh_ms` milliseconds; `None`, and what is no number, is not known from now on."""
        series = tuple(attributes.items())
        until = time.monotonic() + (FRESH_MS if fresh_ms is None else fresh_ms) / 1000
        with self._lock:
            folded = False
            if not isinstance(amount, NUMBERS) or not -TOO_MUCH < amount < TOO_MUCH:
                self._forget([series])
            elif series in self._values or self._finds_place():
                self._values[series] = (amount, until)
            else:
                folded = True
        if folded:
            self.tell_of_fold()

    def observe(self, _: CallbackOptions) -> list[Observation]:
        """Every value that holds, for whoever exports."""
        with self._lock:
            self._forget_old()
            values, lost, self._lost = list(self._values.items()), self._lost, False
        if lost and self._instrument is not None:
            guard.attempt(forget_series, self._instrument())
        return [Observation(amount, dict(series)) for series, (amount, _) in values]

    def _finds_place(self) -> bool:
        if len(self._values) >= MOST_SERIES:
            self._forget_old()
        return len(self._values) < MOST_SERIES

    def _forget_old(self) -> None:
        now = time.monotonic()
        self._forget([series for series, (_, until) in self._values.items() if until <= now])

    def _forget(self, gone: Iterable[Series]) -> None:
        for series in gone:
            self._lost = self._values.pop(series, None) is not None or self._lost

    def forked(self) -> None:
        """In the child: whoever says these values says them in the parent."""
        self._values.clear()


def forget_series(instrument: Any) -> None:
    """Have the SDK forget the series of an observable gauge, of which it gets the living at each export anyway.

    It keeps those of everything that ever was, until there is no place for what is new. It has no public way for this.
    """
    for storage in instrument._measurement_consumer._reader_storages.values():
        for match in storage._instrument_view_instrument_matches.get(instrument, ()):
            with match._lock:
                match._attributes_aggregation.clear()


def instrument(meter: Meter, name: str, metric: Metric) -> Tally | Distribution | LastValues:
    """A row's instrument. A meter that is connected again has those that it had, which go on with what they know."""
    instruments = _instruments.setdefault(meter, {})
    if name not in instruments:
        instruments[name] = created(meter, name, metric)
    return instruments[name]


def created(meter: Meter, name: str, metric: Metric) -> Tally | Distribution | LastValues:
    if metric.instrument == "histogram":
        return distribution(meter, name, metric)
    if metric.instrument == "gauge":
        gauge = LastValues(name)
        return gauge.shown_by(meter.create_observable_gauge(name, [gauge.observe], metric.unit, metric.doc))
    if metric.whole:
        level = LastValues(name)
        return level.shown_by(meter.create_observable_up_down_counter(name, [level.observe], metric.unit, metric.doc))
    tally = Tally(name, 0 if metric.instrument == "counter" else LEAST)
    if metric.instrument == "counter":
        meter.create_observable_counter(name, [tally.observe], metric.unit, metric.doc)
    else:
        meter.create_observable_up_down_counter(name, [tally.observe], metric.unit, metric.doc)
    return tally


def distribution(meter: Meter, name: str, metric: Metric) -> Distribution:
    book = book_of(meter)
    if book is None:
        return Distribution(name, recording(meter, name, metric))
    return Distribution(name, book.open(name, metric).place)


def recording(meter: Meter, name: str, metric: Metric) -> Callable[[Labels], Place]:
    """The places of a histogram of the SDK."""
    buckets = metric.buckets
    made = meter.create_histogram(name, metric.unit, metric.doc, explicit_bucket_boundaries_advisory=buckets)

    def place(attributes: Labels) -> Place:
        def record(amounts: Amounts, moments: Sequence[Moment]) -> None:
            amounts, moments, _ = fit(amounts, moments, 0)
            for amount, moment in zip(amounts, moments, strict=True):
                made.record(amount, attributes, moment.context)

        return record

    return place


_instruments: WeakKeyDictionary[Meter, dict[str, Tally | Distribution | LastValues]] = WeakKeyDictionary()
_gauges: WeakSet[LastValues] = WeakSet()


def _forked() -> None:
    for gauge in list(_gauges):
        gauge.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
