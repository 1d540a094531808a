"""One application, written for each framework and for none, that a server serves for these tests.

Each does the same at the same paths; what it does besides answering is log.
"""

import os
from importlib import import_module
from typing import Any

MODULES = {
    "fastapi": "on_fastapi",
    "fastapi+middleware": "on_fastapi",
    "starlette": "on_starlette",
    "litestar": "on_litestar",
    "bare": "on_nothing",
}


def create_app() -> Any:
    """Build the application that the environment names."""
    module = import_module(f"tests.contract.apps.{MODULES[os.environ['CONTRACT_APP']]}")
    return module.make()
