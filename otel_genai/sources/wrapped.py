"""What a decorated function is beside a wrapper: pickled by its name, bound as a function is, its own copy."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pkgutil import resolve_name
from typing import Any, Self, cast

Wrapper = Callable[[Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any]


class Observed:
    """What a decorated function is beside wrapt's wrapper: pickled by its name, and its own copy, as functions are."""

    __slots__ = ()

    def __reduce_ex__(self, _: Any) -> str:
        return str(cast(Any, self).__qualname__)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: Any) -> Self:
        return self


class Methods(type):
    """The class of `ObservedMethod`: called with a function and an owner it binds them, as methods' does."""

    def __call__(cls, function: Any, owner: Any) -> Any:
        return function.__get__(owner, type(owner))


class ObservedMethod:
    """The same for a method that was taken off its object or class: it is pickled with that."""

    __slots__ = ()

    @property
    def __func__(self) -> Any:
        """The function of which the method is, decorated as it is; with `__self__` it makes the method again."""
        method: Any = self
        plain, decorated = method.__wrapped__.__func__, method._self_parent
        if not isinstance(decorated.__wrapped__, classmethod):
            return decorated
        if not hasattr(decorated, "_self_function"):
            decorated._self_function = observed_type()(plain, decorated._self_wrapper)
        return decorated._self_function

    def __reduce_ex__(self, _: Any) -> tuple[Any, ...]:
        method: Any = self
        owner = getattr(method.__wrapped__, "__self__", None)
        if owner is None:
            return resolve_name, (f"{method.__module__}:{method.__qualname__}",)
        return getattr, (owner, method.__name__)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """As of a method: that of a copy of its object; of a function or a class there is none."""
        method: Any = self
        owner = getattr(method.__wrapped__, "__self__", None)
        copied = deepcopy(owner, memo)
        return self if copied is owner else method.__func__.__get__(copied, type(copied))


@cache
def observed_type() -> Callable[[Any, Wrapper], Any]:
    """The class of decorated functions. The first decorator loads wrapt, which takes longer than all of ours."""
    import wrapt

    method = Methods("ObservedMethod", (ObservedMethod, wrapt.BoundFunctionWrapper), {})
    bind = type.__call__.__get__(method)  # what wrapt binds by, which does not come to `Methods`
    return type("Observed", (Observed, wrapt.FunctionWrapper), {"__bound_function_wrapper__": bind})
