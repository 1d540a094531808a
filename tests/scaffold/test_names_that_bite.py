"""Names that collide with Python, SQL, the libraries or the service: working code, or one sentence."""

import ast
import importlib
from pathlib import Path

import pytest
from tests.scaffold.conftest import Call, forget_service, python_of
from tests.template.harness import git

from bedplate.cli.errors import ExitCode

WORKING = [
    ("order", "user:str", "group:int", "select:bool", "table:date"),
    ("group", "order:int", "type:enum(a,b)", "default:str", "check:decimal"),
    ("category", "parent:ref(categories)?", "name:str!"),
    ("status", "limit:int", "cursor:str", "sort:bool", "total:bool", "offset:uuid"),
    ("box", "date:date", "datetime:datetime", "uuid:uuid", "decimal:decimal", "text:text"),
    ("person", "amount:decimal(9,3)", "line:str(9)", "choice:enum(a,b)", "email:email"),
    ("data", "new:str", "params:json", "changes_made:int", "caller:str", "self_made:bool"),
    ("series", "owner:ref(users)", "user:ref(users)", "admin:ref(users)?"),
    ("filter", "name:str", "value:json"),
    ("object", "name:str"),
    ("type", "name:str"),
    ("change", "owner:str", "note:text"),
    ("param", "name:str", "owner:ref(users)"),
    ("row", "database:str", "client:str", "response:str", "pytest:str"),
    ("email", "subject:str"),
    ("calendar", "import_source:str", "class_name:str"),
    ("match", "case:str", "match:int"),
]
REFUSED = [
    (("user", "name:str"), ExitCode.USAGE, "There is a table users already"),
    (("session", "name:str"), ExitCode.FAILURE, "something else called SessionRepository"),
    (("base", "name:str"), ExitCode.USAGE, "There is a model Base already"),
    (("auth_session", "name:str"), ExitCode.USAGE, "There is a table auth_sessions already"),
    (("index", "name:str"), ExitCode.USAGE, "two things called Index, one of them from sqlalchemy"),
    (("text", "body:text"), ExitCode.USAGE, "two things called Text"),
    (("decimal", "value:decimal"), ExitCode.USAGE, "two things called Decimal"),
    (("principal", "owner:ref(users)"), ExitCode.USAGE, "two things called Principal"),
    (("resource", "name:str"), ExitCode.FAILURE, "something else called Resources"),
    (("api_key", "name:str"), ExitCode.USAGE, "There is a table api_keys already"),
    (("confirmation", "name:str", "--plural=confirmation"), ExitCode.FAILURE, "v1/confirmation.py"),
    (("class", "name:str"), ExitCode.USAGE, "Python's own"),
    (("my order", "name:str"), ExitCode.USAGE, "is no name for a resource"),
    (("órden", "name:str"), ExitCode.USAGE, "is no name for a resource"),
    (("order", "metadata:json"), ExitCode.USAGE, "cannot be called metadata"),
    (("order", "id:int"), ExitCode.USAGE, "cannot be called id"),
    (("order", "created_at:datetime"), ExitCode.USAGE, "cannot be called created_at"),
    (("order", "class:str"), ExitCode.USAGE, "Python's own"),
    (
        ("order", "total:decimal", "total_min:bool"),
        ExitCode.USAGE,
        "total_min would be a filter twice",
    ),
    (("order", "customer:ref(nobody)"), ExitCode.USAGE, "There is no table nobody to refer to"),
    (("order", "key:ref(attempt_counters)"), ExitCode.USAGE, "neither one UUID nor one integer"),
    (("category", "parent:ref(categories)"), ExitCode.USAGE, "must be optional"),
    (("order",), ExitCode.USAGE, "FIELD"),
    (("order", "name"), ExitCode.USAGE, "is no field"),
    ((f"a{'b' * 38}", f"{'c' * 30}:ref(users)"), ExitCode.USAGE, "more than 63"),
]


@pytest.mark.parametrize("words", WORKING, ids=[words[0] for words in WORKING])
def test_working_code(shop: Path, call: Call, words: tuple[str, ...]) -> None:
    outcome = call("add", "resource", *words)
    assert outcome.exit_code == ExitCode.DONE, outcome.err
    for path, text in python_of(shop).items():
        compile(text, path, "exec")
        assert_nothing_is_bound_twice(text, path)
    forget_service()
    importlib.import_module("app.api.v1")  # models, schemas and routes are made, all of them


def assert_nothing_is_bound_twice(text: str, path: str) -> None:
    tree = ast.parse(text)
    names = [
        (alias.asname or alias.name)
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    ]
    names += [node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    assert len(names) == len(set(names)), path


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("words", "exit_code", "sentence"), REFUSED, ids=[" ".join(r[0]) for r in REFUSED]
)
def test_one_sentence_and_nothing_done(
    shop: Path, call: Call, words: tuple[str, ...], exit_code: ExitCode, sentence: str
) -> None:
    outcome = call("add", "resource", *words)
    assert (outcome.exit_code, sentence in outcome.sentence) == (exit_code, True), outcome.err
    assert git(shop, "status", "--porcelain") == ""


@pytest.mark.unhappy
def test_a_resource_of_the_same_plural_is_refused(shop: Path, call: Call) -> None:
    call("add", "resource", "datum", "value:int")
    outcome = call("add", "resource", "data", "value:int")
    assert outcome.exit_code == ExitCode.USAGE
    assert "There is a table data already" in outcome.sentence
