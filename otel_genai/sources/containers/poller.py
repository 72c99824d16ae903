"""Asks an engine again and again what its containers use, and publishes it: what is not known is never a zero."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextvars import Context
from typing import Any

from ... import failures, guard, locks
from ...bus import bus
from ...config import Config
from ...events import ContainerPoll, ContainerPollFailed
from .claim import Claim
from .crew import Crew
from .engine import Container, Endings, Engine
from .readings import Agent, Pair, forgotten, reading, usage
from .samples import Sample, sample
from .schedule import LONGEST_WAIT, SOON, Schedule

FRESH_INTERVALS = 3
LEAST_FRESH_MS = 30_000
STOP_SECONDS = 1.0
LONGEST_REASON = 200

Answers = dict[str, tuple[Any, Exception | None]]
"""By the id of a container: its statistics, or why there are none."""


class Poller:
    """One thread that polls and one that is told of endings, both daemons; `start` and `stop` them.

    Of several processes with the same configuration on a machine one polls, and another takes over when it ends.
    """

    def __init__(self, config: Config, context: Context | None = None) -> None:
        self.config = config
        self._context = context or Context()
        self._docker = docker = config.docker
        self._seconds = docker.interval_ms / 1000
        self._fresh_ms = max(FRESH_INTERVALS * docker.interval_ms, LEAST_FRESH_MS)
        self._claim = Claim(docker.host, docker.labels, config.service_name, config.namespace, config.agent_namespace)
        self._reset()

    def _reset(self) -> None:
        self._stopped = threading.Event()
        self._lock = locks.lock()
        self._engine: Engine | None = None
        self._endings: Endings | None = None
        self._crew = Crew(self._docker.concurrency, self._context)
        self._condition = Condition("containers are not measured", "containers are measured again")
        self._hearing = Condition("the ends of containers are noticed late", "the ends of containers are noticed again")
        self._known: dict[str, Container] = {}
        self._before: dict[str, Sample] = {}
        self._ended: set[str] = set()
        self._heard_ns = 0
        self._hearing_again = Schedule(self._seconds)
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        self._begin(self._poll)

    def stop(self) -> None:
        """Ask no more; wait a second at most for what is being asked."""
        self._stopped.set()
        for closing in (self._endings, self._engine):
            if closing is not None:
                guard.attempt(closing.close)
        deadline = time.monotonic() + STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._claim.release()

    def start_in_child(self) -> None:
        """After a fork nothing runs here, and the claim is the parent's."""
        self._claim.release()
        if not self._stopped.is_set():
            self._reset()
            self.start()

    def _begin(self, work: Callable[[], None]) -> None:
        run = self._context.copy().run
        thread = threading.Thread(
            target=run, args=(guard.call, "polling containers", work), name="otel-genai-docker", daemon=True
        )
        self._threads.append(thread)
        thread.start()

    # -- the passes

    def _poll(self) -> None:
        while not self._claim.held():
            if self._stopped.wait(self._seconds):
                return
        self._begin(self._hear)
        schedule = Schedule(self._seconds)
        while not self._stopped.is_set():
            began = time.monotonic()
            asked, error = guard.attempt(self._ask)
            if self._stopped.is_set():
                break
            if asked is None:
                wait = self._down(schedule, error or TimeoutError())
            else:
                guard.call("telling of containers", self._tell, *asked)
                wait = self._up(schedule, len(asked[0]), time.monotonic() - began)
            self._stopped.wait(wait)
        self._disconnect()

    def _disconnect(self) -> None:
        """The next attempt begins with asking for the version: another engine may be there."""
        engine, self._engine = self._engine, None
        if engine is not None:
            guard.attempt(engine.close)

    def _up(self, schedule: Schedule, containers: int, seconds: float) -> float:
        """Tell of a pass; how long to wait for the next."""
        wait, missed = schedule.succeeded()
        self._condition.good()
        bus.publish(
            ContainerPoll(up=1, containers=containers, duration_s=seconds, missed=missed, fresh_ms=self._fresh_ms)
        )
        return wait

    def _down(self, schedule: Schedule, error: Exception) -> float:
        """Tell of an attempt that came to nothing; how long to wait for the next."""
        wait = schedule.failed()
        self._condition.bad(error)
        failed("list" if self._engine else "connect", error)
        bus.publish(ContainerPoll(up=0, fresh_ms=self._fresh_ms + LONGEST_WAIT * 1000))
        self._disconnect()
        if isinstance(error, ImportError):
            self._stopped.set()
        return wait

    def _ask(self) -> tuple[dict[str, Container], Answers]:
        """Ask for everything once: which containers there are, and what each of them uses."""
        if self._engine is None:
            self._engine = Engine(self._docker.host, self._docker.timeout_ms / 1000, self._docker.labels)
        with self._lock:
            self._ended.clear()
        found = {one.id: one for one in self._engine.containers()}
        seconds = max(self._docker.interval_ms, self._docker.timeout_ms) / 1000
        return found, self._crew.ask(self._engine.stats, found, seconds)

    def _tell(self, found: dict[str, Container], answers: Answers) -> None:
        """Publish what each agent uses; what is not there any more is forgotten."""
        with self._lock:
            samples = self._samples(found, answers)
            known = {id: found[id] for id in samples}
            self._forget([one for id, one in self._known.items() if known.get(id) != one], known.values())
            self._known = known
            agents: dict[Agent, list[Pair]] = {}
            for id, after in samples.items():
                pair = (self._before.get(id), after)
                agents.setdefault((known[id].agent, known[id].family), []).append(pair)
                if after is not None and self.config.semconv_containers:
                    bus.publish(usage(known[id], pair[0], after, self._fresh_ms))
            for agent, pairs in agents.items():
                said = reading(agent, pairs, self._fresh_ms)
                if said is not None:
                    bus.publish(said)
            before = {id: after or self._before.get(id) for id, after in samples.items()}
            self._before = {id: one for id, one in before.items() if one is not None}

    def _samples(self, found: dict[str, Container], answers: Answers) -> dict[str, Sample | None]:
        """What is known of each that still runs; `None` of one for which there is no answer."""
        samples: dict[str, Sample | None] = {}
        for id in found.keys() - self._ended:
            frame, error = answers.get(id, (None, TimeoutError()))
            known = sample(frame)
            if error is not None:
                failed("stats", error)
            if error is not None or known is not None:
                samples[id] = known
        return samples

    def _forget(self, gone: Iterable[Container], left: Iterable[Container] = ()) -> None:
        agents = {(one.agent, one.family) for one in left}
        names = {(one.name, one.image) for one in left}
        for one in gone:
            for event in forgotten(one, (one.agent, one.family) not in agents, (one.name, one.image) not in names):
                bus.publish(event)

    # -- what happens between them

    def _hear(self) -> None:
        """Be told of endings at once; where the stream breaks, go on where it was."""
        while not self._stopped.is_set():
            engine = self._engine
            if engine is None:
                self._stopped.wait(SOON)
                continue
            _, error = guard.attempt(self._listen, engine)
            if error is not None and not self._stopped.is_set():
                self._unheard(error)
            self._stopped.wait(self._hearing_again.failed())

    def _unheard(self, error: Exception) -> None:
        """Nothing is wrong where nothing happened for a while; and of an engine that is down the passes tell."""
        if reason(error) == "timeout":
            return
        if failures.status(error):
            self._hearing.bad(error)
        failed("events", error)

    def _listen(self, engine: Engine) -> None:
        self._endings = endings = engine.endings(self._heard_ns)
        if self._stopped.is_set():  # while it was asked for, so that `stop` did not see it
            endings.close()
        self._hearing.good()
        self._hearing_again = Schedule(self._seconds)
        for id, at_ns in endings:
            self._heard_ns = max(self._heard_ns, at_ns + 1)
            with self._lock:
                self._end(id)

    def _end(self, id: str) -> None:
        """Forget a container, with the pass in mind that may be under way; the next pass says what is left."""
        self._ended.add(id)
        self._before.pop(id, None)
        one = self._known.pop(id, None)
        if one is not None:
            self._forget([one])


class Condition:
    """Whether something works, told to the log when that changes."""

    def __init__(self, works_not: str, works_again: str) -> None:
        self._said = works_not, works_again
        self._works = True

    def bad(self, error: Exception) -> None:
        if self._works:
            guard.logger.warning("%s: %s (%s)", self._said[0], reason(error), str(error)[:LONGEST_REASON])
        self._works = False

    def good(self) -> None:
        if not self._works:
            guard.logger.warning(self._said[1])
        self._works = True


def failed(request: str, error: Exception) -> None:
    bus.publish(ContainerPollFailed(request=request, error_type=reason(error)))


def reason(error: Exception) -> str:
    """The status of the engine's answer, `timeout`, or the class of the error."""
    late = failures.failure_kind(error) == "timeout"
    return failures.status(error) or ("timeout" if late else failures.category(error))
