"""Pages that promise a test name one that exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "docs/explanation/asvs.md", ROOT / "docs/explanation/threat-model.md"]
NAMED = sorted(
    {
        found
        for page in PAGES
        for found in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", page.read_text("utf-8"))
    }
)


def missing(path: str, name: str) -> str | None:
    """Say what is not there, if anything."""
    file = ROOT / path
    if not file.is_file():
        return path
    there = not name or re.search(
        rf"^(?:async )?def {name}\(", file.read_text("utf-8"), re.MULTILINE
    )
    return None if there else name


def test_the_pages_name_tests() -> None:
    assert len(NAMED) > 40


@pytest.mark.unhappy
def test_every_test_that_a_page_names_exists() -> None:
    assert [fault for path, name in NAMED if (fault := missing(path, name))] == []


@pytest.mark.unhappy
def test_a_test_that_is_gone_would_be_noticed() -> None:
    assert missing("tests/docs/test_named_tests.py", "test_that_is_gone")
    assert missing("tests/docs/test_gone.py", "")
