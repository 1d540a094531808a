"""A resource's name in every form that code needs, and the names that no code can have."""

import keyword
import re
from dataclasses import dataclass

from bedplate.scaffold.errors import SpecificationError
from bedplate.scaffold.plurals import plural_of, singular_of

__all__ = ["LONGEST", "Name", "check_identifier"]

LONGEST = 63
"""How many bytes a name may have in PostgreSQL (section 4.1.1 of its manual); more is cut off."""

_WORDS = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[_-][A-Za-z][A-Za-z0-9]*)*")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Name:
    """What a resource is called."""

    singular: str
    """``order_item``: modules, variables."""
    plural: str
    """``order_items``: the table, the repository in a unit of work."""

    @classmethod
    def parse(cls, text: str, *, plural: str | None = None) -> "Name":
        """Read a name in any usual spelling: ``OrderItem``, ``order-item``, ``order_items``.

        Args:
            text: the name, in the singular; a plural that is surely one is taken back.
            plural: of several, where the rules of English do not give it.

        Raises:
            SpecificationError: no module, class or table can have this name.
        """
        singular = _snake(text)
        if plural is None:
            singular = singular_of(singular)
        several = plural_of(singular) if plural is None else _snake(plural)
        for name in (singular, several):
            check_identifier(name, what="A resource")
        return cls(singular, several)

    @property
    def class_name(self) -> str:
        """Give ``OrderItem``."""
        return _camel(self.singular)

    @property
    def plural_class_name(self) -> str:
        """Give ``OrderItems``: the service as a dependency of routes."""
        return _camel(self.plural)

    @property
    def words(self) -> str:
        """Give ``order item``."""
        return self.singular.replace("_", " ")

    @property
    def plural_words(self) -> str:
        """Give ``order items``."""
        return self.plural.replace("_", " ")

    @property
    def one(self) -> str:
        """Give ``an order item``."""
        return f"{_article(self.singular)} {self.words}"

    @property
    def path(self) -> str:
        """Give ``order-items``: the part of a URL."""
        return self.plural.replace("_", "-")


def check_identifier(name: str, *, what: str) -> None:
    """Refuse what cannot be a name in Python and PostgreSQL.

    Args:
        name: in snake case.
        what: the beginning of the sentence.

    Raises:
        SpecificationError: it cannot be one.
    """
    if keyword.iskeyword(name) or name in {"none", "true", "false"}:
        raise SpecificationError(f"{what} cannot be called {name}: the word is Python's own.")
    if len(name) > _LONGEST_NAME:
        raise SpecificationError(
            f"{what} cannot be called {name[:20]}...: its {len(name)} characters leave no room for"
            f" the names of its constraints, which may have {LONGEST}."
        )


def _snake(text: str) -> str:
    if not _WORDS.fullmatch(text):
        raise SpecificationError(
            f"{_shown(text)} is no name for a resource: take letters from a to z and digits, words"
            " joined by underscores, such as order_item."
        )
    return _HUMP.sub("_", text).replace("-", "_").lower()


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def _article(words: str) -> str:
    """Give ``a`` or ``an``, by how the word sounds."""
    if re.match(r"(uni([^nm]|$)|use|usa|usu|uti|eu|one(_|$)|ubiq|ura)", words):
        return "a"
    return "an" if words[0] in "aeiou" or re.match(r"(hour|heir|honou?r)", words) else "a"


def _shown(text: str) -> str:
    """Quote what somebody typed, on one line and not at length."""
    return repr(text if len(text) <= 40 else f"{text[:40]}...")  # noqa: PLR2004
