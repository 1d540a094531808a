"""The page of settings names every variable, and none that there is not."""

import re
from pathlib import Path

import pytest

from bedplate.auth.settings import AuthSettings
from bedplate.mail import MailSettings
from bedplate.settings import ServiceSettings

PAGE = (Path(__file__).parents[2] / "docs/reference/settings.md").read_text(encoding="utf-8")
NAMED = {
    name
    for row in re.findall(r"^\| (`[A-Z].*?) \|", PAGE, re.MULTILINE)
    for name in re.findall(r"`([A-Z0-9_]+)`", row)
}
SETTINGS = {
    field.upper()
    for settings in (ServiceSettings, AuthSettings, MailSettings)
    for field in settings.model_fields
}


@pytest.mark.unhappy
def test_no_setting_is_without_a_row() -> None:
    assert not SETTINGS - NAMED


@pytest.mark.unhappy
def test_no_row_is_of_a_setting_that_is_gone() -> None:
    assert not NAMED - SETTINGS
