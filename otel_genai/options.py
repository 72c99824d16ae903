"""What an option is, and the rule which of its values wins."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import field, fields, is_dataclass
from typing import Any, Final, NamedTuple, TypeVar

from . import values

Parse = Callable[[object], object]
ConfigFile = str | os.PathLike[str] | Mapping[str, object]
C = TypeVar("C")
Found = tuple[object, str]

FILE_VARIABLE: Final = "OTEL_GENAI_CONFIG"
FILE_TYPES: Final = (".toml", ".json")
BESIDE: Final = ("stuckSessionWarnMs", "stuckSessionAbortMs")
"""Options of sessions that the gateway's own configuration has beside `otel`, under `diagnostics`."""

_log = logging.getLogger("otel_genai")


class ConfigError(ValueError):
    """An argument or a file names an option that does not exist, or gives one a value that it cannot have."""


class Variable(NamedTuple):
    """An environment variable of an option, and its own way to be read; None read from it means "not given"."""

    name: str
    parse: Parse | None = None


class Option(NamedTuple):
    """One row: all there is to know of an option. A dataclass as default makes it a table of options."""

    default: Any
    doc: str
    parse: Parse
    env: tuple[Variable, ...]
    forced_by: tuple[Variable, ...]
    mask: Callable[[Any], object] | None
    file_first: bool


def option(
    default: object,
    doc: str,
    *,
    parse: Parse = values.table,
    env: tuple[str | Variable, ...] = (),
    forced_by: tuple[Variable, ...] = (),
    mask: Callable[[Any], object] | None = None,
    file_first: bool = False,
) -> Any:
    """A field of `Config`, or of a frozen dataclass that is the default of one.

    `parse` reads a value; on a table of options it may turn a shorthand into the mapping. The first variable of `env`
    that is set counts; one of `forced_by` beats even the argument. `mask` makes a value that holds a secret showable:
    errors quote such a value only as its ValueError has it `shown`. With `file_first` the file beats the variables.
    """
    variables = tuple(Variable(each) if isinstance(each, str) else each for each in env)
    row = Option(default, doc, parse, variables, forced_by, mask, file_first)
    return field(default_factory=lambda: copy(default), repr=mask is None, metadata={"option": row})


class Shown(NamedTuple):
    """A value as it may be shown, and where it came from."""

    value: object
    source: str


def showable(table: object, prefix: str = "") -> Iterator[tuple[str, object]]:
    kind: type = type(table)
    for name, row in _own_rows(kind).items():
        value = getattr(table, name)
        if is_dataclass(row.default):
            yield from showable(value, f"{prefix}{name}.")
        else:
            yield prefix + name, row.mask(value) if row.mask and value is not None else value


@functools.cache
def _own_rows(kind: type) -> dict[str, Option]:
    return {each.name: each.metadata["option"] for each in fields(kind) if "option" in each.metadata}


def rows(kind: type, prefix: str = "") -> dict[str, Option]:
    """Every option by its dotted name, those inside tables included."""
    found: dict[str, Option] = {}
    for name, row in _own_rows(kind).items():
        nested = is_dataclass(row.default)
        found |= rows(type(row.default), f"{prefix}{name}.") if nested else {prefix + name: row}
    return found


def load_as(
    kind: type[C], options: Mapping[str, object], *, environ: Mapping[str, str], config: ConfigFile | None = None
) -> C:
    """A frozen dataclass of options, with a field `sources`, from all that may give them; see `config.load`."""
    arguments = _given(kind, options)
    in_file = _given(kind, *_document(config, environ))
    chosen = {name: _choice(name, row, arguments, in_file, environ) for name, row in rows(kind).items()}
    sources = {name: source for name, (_, source) in chosen.items()}
    make: Callable[..., C] = kind
    return make(**_fields(kind, {name: value for name, (value, _) in chosen.items()}), sources=sources)


def _choice(
    name: str, row: Option, arguments: Mapping[str, object], in_file: Mapping[str, object], environ: Mapping[str, str]
) -> Found:
    forced = _from_environment(row, row.forced_by, environ)
    if forced or name in arguments:
        return forced or (arguments[name], "argument")
    in_order = [_from_environment(row, row.env, environ), (in_file[name], "file") if name in in_file else None]
    if row.file_first:
        in_order.reverse()
    return in_order[0] or in_order[1] or (copy(row.default), "default")


def _from_environment(row: Option, variables: tuple[Variable, ...], environ: Mapping[str, str]) -> Found | None:
    for variable in variables:
        value = environ.get(variable.name, "")
        try:
            found = None if _is_blank(value) else (variable.parse or row.parse)(value)
        except ValueError as expected:
            _warn_once(_complaint(row, variable.name, value, expected) + "; the variable is ignored")
        else:
            if found is not None:
                return found, variable.name
    return None


@functools.cache
def _warn_once(message: str) -> None:
    _log.warning(message)


def _fields(kind: type, found_values: Mapping[str, object], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, row in _own_rows(kind).items():
        table = type(row.default)
        nested = is_dataclass(row.default)
        found[name] = (
            table(**_fields(table, found_values, f"{prefix}{name}.")) if nested else found_values[prefix + name]
        )
    return found


def _given(
    kind: type, table: Mapping[str, object], where: str = "", prefix: str = "", written: str = ""
) -> dict[str, object]:
    """The values of a mapping by dotted name; `written` is the prefix as the user spelled it."""
    spelled = {spelling: name for name in _own_rows(kind) for spelling in (name, camel(name))}
    given: dict[str, object] = {}
    seen: dict[str, str] = {}
    for key, value in table.items():
        if key not in spelled:
            raise ConfigError(_unknown(str(key), spelled, written, where))
        if seen.setdefault(spelled[key], key) != key:
            raise ConfigError(f"{written}{key}{where}: given twice, as {seen[spelled[key]]} too")
        row, name = _own_rows(kind)[spelled[key]], prefix + spelled[key]
        if _is_blank(value):
            continue
        parsed = _parsed(row, value, written + key, where)
        nested = is_dataclass(row.default)
        given |= _given(type(row.default), parsed, where, f"{name}.", f"{written}{key}.") if nested else {name: parsed}
    return given


def _parsed(row: Option, value: object, key: str, where: str) -> Any:
    try:
        return row.parse(value)
    except ValueError as expected:
        raise ConfigError(_complaint(row, key, value, expected, where)) from None


def _complaint(row: Option, key: str, value: object, expected: ValueError, where: str = "") -> str:
    shown = getattr(expected, "shown", "***") if row.mask else f"{value!r:.100}"
    return f"{key}={shown}{where}: expected {expected}"


def _unknown(key: str, spelled: Mapping[str, str], written: str, where: str) -> str:
    from difflib import get_close_matches  # late: only for a mistake

    near = get_close_matches(key, spelled, 1)
    hint = (
        f"did you mean {written}{near[0]}?" if near else "expected one of " + ", ".join(dict.fromkeys(spelled.values()))
    )
    return f"{written}{key}{where}: there is no such option; {hint}"


def camel(name: str) -> str:
    """A name as it is written in files and mappings."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _document(config: ConfigFile | None, environ: Mapping[str, str]) -> tuple[Mapping[str, object], str]:
    """The options that the file or mapping holds, and how an error names the place."""
    if isinstance(config, Mapping):
        return _options_in(config, "config"), ""
    path = _named(environ) if config is None else os.fspath(config)
    return (_options_in(_content(path), path), f" in {path}") if path.strip() else ({}, "")


def _named(environ: Mapping[str, str]) -> str:
    """The file that the environment names, or "" where it names none that can be one."""
    path = environ.get(FILE_VARIABLE, "").strip()
    if path and not (os.path.isfile(path) and path.endswith(FILE_TYPES)):
        _warn_once(f"{FILE_VARIABLE}={path!r}: expected the path of a .toml or .json file; the variable is ignored")
        return ""
    return path


def _content(path: str) -> object:
    try:
        with open(path, encoding="utf-8-sig") as file:
            return _reader(path)(file.read())
    except OSError as problem:
        raise ConfigError(f"config={path!r}: cannot be read: {problem.strerror}") from None
    except ValueError as problem:
        raise ConfigError(f"config={path!r}: {problem}") from None


def _reader(path: str) -> Callable[[str], object]:
    if not path.endswith(FILE_TYPES):
        raise ValueError("expected the path of a .toml or .json file")
    import json  # late, both: few programs have a file
    import tomllib

    return tomllib.loads if path.endswith(".toml") else json.loads


def _options_in(document: object, where: str) -> Mapping[str, object]:
    """Our options in a document that may hold other tables too."""
    content = _mapping(document, where)
    if "otel_genai" in content:
        return _mapping(content["otel_genai"], f"otel_genai in {where}")
    if "diagnostics" not in content:
        return content
    diagnostics = _mapping(content["diagnostics"], f"diagnostics in {where}")
    options = _with_sessions(_mapping(diagnostics.get("otel", {}), f"diagnostics.otel in {where}"), diagnostics)
    options = {"flags": diagnostics["flags"], **options} if "flags" in diagnostics else options
    return {**options, "enabled": False} if diagnostics.get("enabled") is False else options


def _with_sessions(options: Mapping[str, object], diagnostics: Mapping[str, object]) -> Mapping[str, object]:
    """The options, with what stands of sessions beside `otel` put into their table, as long as that is one."""
    beside = {name: diagnostics[name] for name in BESIDE if name in diagnostics}
    table = options.get("sessions", {})
    table = {"enabled": table} if isinstance(table, bool) else table
    return {**options, "sessions": {**beside, **table}} if beside and isinstance(table, Mapping) else options


def _mapping(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where}: expected a table of options")
    return value
