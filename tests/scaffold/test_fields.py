"""Fields as they are typed: what each says, and what is refused in one sentence."""

import pytest

from bedplate.scaffold.errors import SpecificationError
from bedplate.scaffold.fields import KINDS, Field
from bedplate.scaffold.resource import fields_of


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("name:str", Field("name", "str")),
        ("name:str(80)", Field("name", "str", ("80",))),
        ("name:str:80", Field("name", "str", ("80",))),
        ("sku:str!", Field("sku", "str", unique=True)),
        ("note:text?", Field("note", "text", optional=True)),
        ("code:str(5)?!", Field("code", "str", ("5",), optional=True, unique=True)),
        ("code:str!?", Field("code", "str", optional=True, unique=True)),
        ("rate:decimal(12, 4)", Field("rate", "decimal", ("12", "4"))),
        ("rate:decimal:12,4", Field("rate", "decimal", ("12", "4"))),
        (
            "state:enum(new,in-progress,v1.2)",
            Field("state", "enum", ("new", "in-progress", "v1.2")),
        ),
        ("state:enum:new,paid?", Field("state", "enum", ("new", "paid"), optional=True)),
        ("customer:ref(customers)", Field("customer", "ref", ("customers",))),
        ("customer_id:ref:customers?", Field("customer", "ref", ("customers",), optional=True)),
    ],
)
def test_a_field_says_name_type_and_marks(text: str, field: Field) -> None:
    assert Field.parse(text) == field
    assert Field.parse(str(field)) == field


def test_every_type_is_understood_and_an_owner_is_a_reference_to_users() -> None:
    inside = {"enum": "(a,b)", "ref": "(users)"}
    for kind in KINDS:
        assert Field.parse(f"x:{kind}{inside.get(kind, '')}").kind == kind
    assert Field.parse("owner:ref:users").is_owner
    assert not Field.parse("owner:str").is_owner
    assert not Field.parse("keeper:ref:users").is_owner


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        *(
            (text, "is no field")
            for text in ("", "name", "a:str(", "a:str(5", "a:str)5(", "a:enum(b)c")
        ),
        ("a:str\n", "has the type"),
        *(
            (f"{name}:str", "is no name for a field")
            for name in ("", "Name", "my name", "é", "_a", "a__b")
        ),
        *((f"{name}:str", "is no name for a field") for name in ("2a", "a-b", "a.b", "a_")),
        *((f"{name}:str", "Python's own") for name in ("class", "import", "from", "none")),
        ("a" * 41 + ":str", "41 characters"),
        *(
            (f"a:{kind}", "which is none of")
            for kind in ("", "string", "STR", "float", "list[str]")
        ),
        ("a:str??", "once is enough"),
        *(
            (f"a:str({given})", "how many characters")
            for given in ("", "0", "-1", "x", "1,2", "9" * 9)
        ),
        *(
            (f"a:decimal({given})", "how many digits")
            for given in ("", "5", "2,3", "0,0", "a,b", "5,2,1")
        ),
        *(
            (f"a:enum{given}", "enum")
            for given in ("", "(a,a)", "(a b)", "(,)", "('x')", f"({'x' * 51})")
        ),
        *(
            (f"a:ref{given}", "say which table")
            for given in ("", "()", "(a,b)", "(Users)", "(a.b)")
        ),
        *(
            (f"a:{kind}(1)", "takes nothing in parentheses")
            for kind in ("int", "bool", "json", "date")
        ),
        *((f"a:{kind}!", "cannot be unique") for kind in ("bool", "json", "text")),
        ("owner:ref(users)?", "neither optional nor unique"),
        ("owner:ref(users)!", "neither optional nor unique"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(SpecificationError) as info:
        fields_of((text,))
    assert sentence in info.value.message
    assert info.value.message.endswith(".")
    assert "\n" not in info.value.message


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "name",
    [
        *("id", "created_at", "updated_at", "metadata", "registry", "changes", "copy", "json"),
        *("schema", "dict", "model_fields", "model_config", "str", "int", "bool", "list"),
    ],
)
def test_names_that_the_classes_have_already_are_refused(name: str) -> None:
    with pytest.raises(SpecificationError, match="every resource has that already"):
        fields_of((f"{name}:str",))


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "texts",
    [
        ("a:str", "a:int"),
        ("a:ref(users)", "a:int"),
        ("a:ref(users)", "a_id:uuid"),
        ("a_id:uuid", "a:ref(users)"),
    ],
)
def test_a_name_that_is_there_twice_is_refused(texts: tuple[str, ...]) -> None:
    with pytest.raises(SpecificationError, match="is there twice"):
        fields_of(texts)


@pytest.mark.unhappy
def test_no_field_and_far_too_many_are_refused() -> None:
    with pytest.raises(SpecificationError, match="at least one field"):
        fields_of(())
    with pytest.raises(SpecificationError, match="too many"):
        fields_of(tuple(f"f{number}:int" for number in range(61)))
