"""Names in every form, and those that bite: each gives working code or one clear sentence."""

import pytest

from bedplate.scaffold.errors import SpecificationError
from bedplate.scaffold.names import Name
from bedplate.scaffold.plurals import plural_of, singular_of

PLURALS = {
    "order": "orders",
    "category": "categories",
    "day": "days",
    "status": "statuses",
    "box": "boxes",
    "bus": "buses",
    "church": "churches",
    "dish": "dishes",
    "address": "addresses",
    "quiz": "quizzes",
    "person": "people",
    "child": "children",
    "data": "data",
    "series": "series",
    "news": "news",
    "analysis": "analyses",
    "axis": "axes",
    "index": "indexes",
    "leaf": "leaves",
    "knife": "knives",
    "hero": "heroes",
    "photo": "photos",
    "movie": "movies",
    "house": "houses",
    "size": "sizes",
    "alias": "aliases",
    "campus": "campuses",
    "order_item": "order_items",
    "sales_person": "sales_people",
}


@pytest.mark.parametrize(("singular", "plural"), PLURALS.items())
def test_plurals_are_those_of_english_and_lead_back(singular: str, plural: str) -> None:
    assert plural_of(singular) == plural
    assert singular_of(plural) == singular
    assert singular_of(singular) == singular


@pytest.mark.parametrize(
    ("text", "singular", "plural", "class_name", "path", "one"),
    [
        ("order", "order", "orders", "Order", "orders", "an order"),
        ("Order", "order", "orders", "Order", "orders", "an order"),
        ("orders", "order", "orders", "Order", "orders", "an order"),
        ("OrderItem", "order_item", "order_items", "OrderItem", "order-items", "an order item"),
        ("order-item", "order_item", "order_items", "OrderItem", "order-items", "an order item"),
        ("order_items", "order_item", "order_items", "OrderItem", "order-items", "an order item"),
        (
            "HTTPServer",
            "http_server",
            "http_servers",
            "HttpServer",
            "http-servers",
            "a http server",
        ),
        ("group", "group", "groups", "Group", "groups", "a group"),
        ("unit", "unit", "units", "Unit", "units", "a unit"),
        ("hour", "hour", "hours", "Hour", "hours", "an hour"),
        ("people", "person", "people", "Person", "people", "a person"),
        ("data", "data", "data", "Data", "data", "a data"),
        ("box2", "box2", "box2s", "Box2", "box2s", "a box2"),
    ],
)
def test_a_name_has_every_form(
    text: str, singular: str, plural: str, class_name: str, path: str, one: str
) -> None:
    name = Name.parse(text)
    assert (name.singular, name.plural, name.class_name) == (singular, plural, class_name)
    assert (name.path, name.one) == (path, one)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "my order", "Ordnung-für", "commande_é", "заказ", "order!", "2nd", "_order"),
        *("order_", "order__item", "order.item", "../order", "order\n", "x\0", "-", "a-", "🙂"),
    ],
)
def test_what_is_no_word_is_refused(text: str) -> None:
    with pytest.raises(SpecificationError, match="is no name for a resource") as info:
        Name.parse(text)
    assert len(info.value.message.splitlines()) == 1


@pytest.mark.unhappy
@pytest.mark.parametrize("text", ["class", "import", "return", "Lambda", "none", "true", "pass"])
def test_words_of_python_are_refused(text: str) -> None:
    with pytest.raises(SpecificationError, match="the word is Python's own"):
        Name.parse(text)


@pytest.mark.unhappy
def test_a_name_that_leaves_no_room_for_constraints_is_refused() -> None:
    with pytest.raises(SpecificationError, match="41 characters"):
        Name.parse("a" * 41)


@pytest.mark.unhappy
@pytest.mark.parametrize("plural", ["", "two words", "class", "été"])
def test_a_plural_is_held_to_the_same_rules(plural: str) -> None:
    with pytest.raises(SpecificationError):
        Name.parse("order", plural=plural)
    assert Name.parse("menus", plural="menus") == Name("menus", "menus")
