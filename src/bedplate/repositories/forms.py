"""Statements with conditions, made once for each form: only the values differ from call to call.

SQLAlchemy itself knows a statement by its form, and compiles it once; but it has to look at all of
the statement to know it. Here it looks at the conditions alone, for the same verdict.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select
from sqlalchemy.sql.elements import BindParameter, ClauseList

__all__ = ["Question", "asked"]

type Elements = Sequence[Any]
"""What SQLAlchemy takes in ``where`` or in ``order_by``."""

type Maker = Callable[[Select[Any], Elements, Elements], Select[Any]]
"""Adds conditions and an order to a statement; it gives the same for the same."""


class Question(NamedTuple):
    """A statement and the values of its parameters."""

    statement: Select[Any]
    values: Mapping[str, Any]
    is_kept: bool = False
    """Whether the statement is made once, and is the same object whenever it is asked again."""

    @property
    def sent(self) -> tuple[Select[Any], Mapping[str, Any]]:
        """Give what a session executes."""
        return self.statement, self.values

    def given(self, values: Mapping[str, Any]) -> "Question":
        """Give the same with values of further parameters."""
        return self._replace(values={**self.values, **values} if self.values else values)


class _Form:
    """Conditions and an order, equal to all others that differ in values alone."""

    __slots__ = ("_hash", "_key", "binds", "conditions", "order_by")

    def __init__(
        self,
        conditions: Elements,
        order_by: Elements,
        key: tuple[Any, ...],
        binds: Sequence[BindParameter[Any]],
    ) -> None:
        self.conditions = conditions
        self.order_by = order_by
        self.binds = binds
        self._key = (len(conditions), key)
        self._hash = hash(self._key)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Form) and self._key == other._key


def asked(
    make: Maker, base: Select[Any], conditions: Elements, order_by: Elements = ()
) -> Question:
    """Give a statement with conditions and an order.

    Args:
        make: adds them; a function or another object that is made once.
        base: a statement that is made once.
        conditions: what the rows meet.
        order_by: how they are sorted.
    """
    if not (conditions or order_by):
        return Question(_made_plain(make, base), {}, is_kept=True)
    form = _form_of(conditions, order_by)
    if form is None:
        return Question(make(base, conditions, order_by), {})
    statement, names = _made(make, base, form)
    values = {name: bind.value for name, bind in zip(names, form.binds, strict=True)}
    return Question(statement, values, is_kept=True)


@lru_cache(1024)
def _made_plain(make: Maker, base: Select[Any]) -> Select[Any]:
    return make(base, (), ())


@lru_cache(1024)
def _made(make: Maker, base: Select[Any], form: _Form) -> tuple[Select[Any], tuple[str, ...]]:
    statement = make(base, form.conditions, form.order_by)
    return statement, tuple(bind.key for bind in form.binds)


def _form_of(conditions: Elements, order_by: Elements) -> _Form | None:
    """Give the form, or None where SQLAlchemy has to look at the whole."""
    elements: list[ColumnElement[Any]] = []
    for each in (*conditions, *order_by):
        element = each if isinstance(each, ColumnElement) else _element(each)
        if element is None:
            return None
        elements.append(element)
    # Together, since two of them may speak of one alias.
    whole = elements[0] if len(elements) == 1 else ClauseList(*elements)
    key = whole._generate_cache_key()
    if key is None or getattr(key, "params", None):
        return None
    for bind in key.bindparams:
        # Its value has to be its own: it shares its name with none, and is known by now.
        if not bind.unique or bind.callable is not None or bind.required:
            return None
    return _Form(conditions, order_by, key.key, key.bindparams)


def _element(given: object) -> ColumnElement[Any] | None:
    """Give the expression behind an attribute of a model."""
    make = getattr(given, "__clause_element__", None)
    made = make() if make is not None else None
    return made if isinstance(made, ColumnElement) else None
