"""The imports of a generated module follow from the names that it uses."""

import pytest

from bedplate.scaffold.code import is_same_code
from bedplate.scaffold.errors import SpecificationError
from bedplate.scaffold.imports import with_imports

OWN = {"Order": "app.models.order", "OrderRead": "app.schemas.order", "LIMIT": "app.models.order"}
BODY = '''"""A module."""

def test(order: Order, when: dt.date, price: Decimal) -> Literal["a"]:
    pytest.fail(UUID(LIMIT))
'''


def test_every_name_that_is_used_is_imported_in_order() -> None:
    assert with_imports(BODY, OWN) == (
        '"""A module."""\n\nimport datetime as dt\nfrom decimal import Decimal\n'
        "from typing import Literal\nfrom uuid import UUID\n\nimport pytest\n\n"
        "from app.models.order import LIMIT, Order\n\n\n" + BODY.partition("\n\n")[2]
    )


@pytest.mark.unhappy
def test_what_the_module_defines_is_not_imported() -> None:
    body = '"""A module."""\n\nLIMIT = 1\n\n\nclass Order:\n    x = LIMIT\n\n\norder: Order = Order()\n'
    assert "import" not in with_imports(body, OWN)


@pytest.mark.unhappy
@pytest.mark.parametrize("body", ["class Text: ...", "Text = 1", "Text: int = 1"])
def test_a_name_that_hides_a_librarys_is_refused(body: str) -> None:
    with pytest.raises(
        SpecificationError, match="two things called Text, one of them from sqlalchemy"
    ):
        with_imports(f'"""A module."""\n\n{body}\n\nprint(Text)\n', OWN)
    with pytest.raises(SpecificationError, match="Text"):
        with_imports('"""A module."""\n\nprint(Text)\n', {"Text": "app.models.text"})


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("x = [1, 2]", "x = [\n    1,\n    2,\n]\n", True),
        ("x = 1  # one", "x = 1   # one\n", True),
        ("x = 1  # one", "x = 1", False),
        ("x = 1", "x = 2", False),
        ("x = 1", "x = = 1", False),
        ("x = '\0'", "x = '\0'", False),
    ],
)
def test_the_same_code_is_the_same_in_any_layout(one: str, other: str, same: bool) -> None:
    assert is_same_code(one, other) is same
