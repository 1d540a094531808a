from collections.abc import Callable
from pathlib import Path

import pytest

from bedplate import __version__
from bedplate.cli.versions import library_version, release_of, template_version


def test_the_templates_version_is_read_from_the_answers(
    tmp_path: Path, write: Callable[[str, str], Path]
) -> None:
    write(".copier-answers.yml", "# comment\n_commit: 'v1.2.3'\n_src_path: https://u:p@host/x\n")
    assert template_version(tmp_path) == "1.2.3"
    assert library_version() == __version__


@pytest.mark.unhappy
@pytest.mark.parametrize("text", ["", "_commit:", "x_commit: v1\n", "  _commit: v1\n"])
def test_answers_without_a_version_give_none(
    tmp_path: Path, write: Callable[[str, str], Path], text: str
) -> None:
    write(".copier-answers.yml", text)
    assert template_version(tmp_path) is None


@pytest.mark.unhappy
def test_without_answers_there_is_no_template(tmp_path: Path) -> None:
    assert template_version(tmp_path) is None


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("version", "release"),
    [("1.2.3", "1.2.3"), ("1.2.3-4-gabc1234", "1.2.3"), ("1e14f00", None), ("", None)],
)
def test_only_a_release_is_a_release(version: str, release: str | None) -> None:
    assert release_of(version) == release
