"""Integrations as somebody else would publish one: a distribution with an entry point, found on the path."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import otel_genai as genai
from otel_genai import guard, plugins

WORKING = """
calls = []
def instrument():
    calls.append("on")
    return lambda: calls.append("off")
"""
NEEDING = "import a_library_that_is_not_here\n"
FAILING = "def instrument():\n    raise AttributeError('the library has changed')\n"

Publish = Callable[..., None]


@pytest.fixture
def publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Publish]:
    """Installs a distribution `acme-genai` with integrations of these names, each a module with this content."""
    monkeypatch.syspath_prepend(str(tmp_path))
    modules: list[str] = []

    def write(*extras: str, **integrations: str) -> None:
        info = tmp_path / "acme_genai-1.0.dist-info"
        info.mkdir()
        provided = "".join(f"Provides-Extra: {extra}\n" for extra in extras)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: acme-genai\nVersion: 1.0\n{provided}")
        lines = [f"{name} = acme_genai_{name}" for name in integrations]
        (info / "entry_points.txt").write_text("\n".join([f"[{plugins.GROUP}]", *lines]))
        for name, content in integrations.items():
            (tmp_path / f"acme_genai_{name}.py").write_text(content)
            modules.append(f"acme_genai_{name}")
        importlib.invalidate_caches()

    yield write
    for module in modules:
        sys.modules.pop(module, None)


def calls(name: str) -> list[str]:
    found: list[str] = importlib.import_module(f"acme_genai_{name}").calls
    return found


def test_an_integration_is_switched_on_and_off_by_name(publish: Publish) -> None:
    publish(one=WORKING, other=WORKING)
    undo = genai.instrument("one")
    assert (calls("one"), calls("other")) == (["on"], [])
    undo()
    assert calls("one") == ["on", "off"]


def test_switching_on_twice_is_switching_on_once(publish: Publish) -> None:
    publish(one=WORKING)
    first, second = genai.instrument("one"), genai.instrument("one")
    second()
    assert calls("one") == ["on"]
    first()
    first()
    assert calls("one") == ["on", "off"]


def test_an_old_undo_leaves_alone_what_was_switched_on_again(publish: Publish) -> None:
    publish(one=WORKING)
    first = genai.instrument("one")
    first()
    second = genai.instrument("one")
    first()
    assert calls("one") == ["on", "off", "on"]
    second()


def test_without_names_everything_that_can_be_had_is_switched_on(publish: Publish) -> None:
    publish(one=WORKING, missing=NEEDING, other=WORKING)
    undo = genai.instrument()
    assert (calls("one"), calls("other")) == (["on"], ["on"])
    undo()
    assert (calls("one"), calls("other")) == (["on", "off"], ["on", "off"])


def test_an_unknown_name_suggests_the_one_that_was_meant(publish: Publish) -> None:
    publish(gateway=WORKING)
    with pytest.raises(genai.IntegrationError, match=r"no integration 'gatway'; did you mean 'gateway'\?"):
        genai.instrument("gatway")


def test_an_unknown_name_like_no_other_lists_what_there_is(publish: Publish) -> None:
    publish(one=WORKING)
    with pytest.raises(genai.IntegrationError, match=r"no integration 'zzz'; there is .*\bone\b"):
        genai.instrument("zzz")


@pytest.mark.parametrize(
    ("extras", "command"),
    [(("missing",), 'pip install "acme-genai[missing]"'), ((), 'pip install "a_library_that_is_not_here"')],
)
def test_a_missing_library_says_what_to_install(publish: Publish, extras: tuple[str, ...], command: str) -> None:
    publish(*extras, missing=NEEDING)
    with pytest.raises(genai.IntegrationError) as raised:
        genai.instrument("missing")
    assert "needs the library 'a_library_that_is_not_here'" in str(raised.value)
    assert str(raised.value).endswith(command)


@pytest.mark.parametrize("name", ["missing", "unknown"])
def test_where_one_cannot_be_had_none_is_switched_on(publish: Publish, name: str) -> None:
    publish(one=WORKING, missing=NEEDING)
    with pytest.raises(genai.IntegrationError):
        genai.instrument("one", name)
    assert calls("one") in ([], ["on", "off"])
    assert "one" not in plugins._active


@pytest.mark.parametrize("names", [(), ("failing",)])
def test_an_integration_that_fails_does_not_stop_the_program(
    publish: Publish, caplog: pytest.LogCaptureFixture, names: tuple[str, ...]
) -> None:
    publish(failing=FAILING)
    before = guard.counts().get(("switching on the integration failing", "AttributeError"), 0)
    genai.instrument(*names)()
    assert guard.counts()["switching on the integration failing", "AttributeError"] == before + 1
    assert "failing" not in plugins._active
