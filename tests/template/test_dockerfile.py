"""What stands in for Docker reads a Dockerfile as Docker does, and refuses what it does not know."""

import os
import subprocess
from pathlib import Path

import pytest
from tests.template.dockerfile import build, parse

TWO_STAGES = """\
# a comment
FROM python:3.13 AS first
WORKDIR /srv
COPY note.txt ./
RUN --mount=type=cache,target=/var/cache/x tr a-z A-Z < note.txt \\
  > loud.txt
FROM python:3.13-slim
WORKDIR /srv
COPY --from=first /srv/loud.txt ./
ENV WORD=x PATH="/srv/bin:$PATH"
USER 10001:10001
HEALTHCHECK --interval=1s \\
  CMD ["true", "one two"]
CMD ["cat", "loud.txt"]
"""


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "note.txt").write_text("hello", encoding="utf-8")
    (folder / "secret.txt").write_text("hush", encoding="utf-8")
    (folder / ".dockerignore").write_text("*\n!note.txt\n", encoding="utf-8")
    return folder


def test_stages_share_only_what_is_copied(context: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    image = build(TWO_STAGES, {"": context}, home, os.environ)
    assert (image.folder / "loud.txt").read_text() == "HELLO"
    assert not (image.folder / "note.txt").exists()
    assert image.environment["PATH"].startswith(f"{image.root}/srv/bin:")
    assert (image.command, image.health) == (["cat", "loud.txt"], ["true", "one two"])
    assert image.user == "10001:10001"


@pytest.mark.unhappy
@pytest.mark.parametrize("line", ["ADD x y", "run true", "FROM debian:12", 'ENTRYPOINT ["x"]'])
def test_what_is_not_known_is_refused(context: Path, tmp_path: Path, line: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    text = line if line.startswith("FROM") else f"FROM python:3.13\n{line}\n"
    with pytest.raises(ValueError, match=r"not known|no instruction|stands for"):
        build(text, {"": context}, home, os.environ)


@pytest.mark.unhappy
def test_what_is_kept_away_is_not_copied(context: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with pytest.raises(ValueError, match=r"dockerignore"):
        build("FROM python:3.13\nCOPY secret.txt ./\n", {"": context}, home, os.environ)


@pytest.mark.unhappy
def test_a_command_that_fails_ends_the_build(context: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with pytest.raises(subprocess.CalledProcessError):
        build("FROM python:3.13\nRUN false; true\n", {"": context}, home, os.environ)


@pytest.mark.unhappy
def test_a_line_without_an_instruction_is_refused() -> None:
    with pytest.raises(ValueError, match="no instruction"):
        parse("FROM python:3.13\nand then some\n")
