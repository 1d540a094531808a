"""bedplate._local_secret"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bedplate._local_secret import local_secret
from bedplate.secret_strength import check_secret_strength


def test_the_secret_is_made_once_and_is_strong(tmp_path: Path) -> None:
    secret = local_secret(tmp_path)
    check_secret_strength(secret)
    assert local_secret(tmp_path) == secret


@pytest.mark.unhappy
def test_nobody_else_can_read_it_and_git_does_not_see_it(tmp_path: Path) -> None:
    local_secret(tmp_path)
    folder = tmp_path / ".bedplate"
    assert (folder / "secret_key").stat().st_mode & 0o777 == 0o600
    assert (folder / ".gitignore").read_text() == "*\n"


@pytest.mark.unhappy
def test_many_that_start_at_once_agree_on_one_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(local_secret, [tmp_path] * 64))
    assert len(found) == 1
    assert sorted(path.name for path in (tmp_path / ".bedplate").iterdir()) == [
        ".gitignore",
        "secret_key",
    ]


@pytest.mark.unhappy
def test_a_folder_that_cannot_be_made_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / ".bedplate").write_text("in the way")
    with pytest.raises(OSError, match=r"bedplate"):
        local_secret(tmp_path)
