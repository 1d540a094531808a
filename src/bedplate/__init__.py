"""Everything a Python web service needs below its business logic; import by module."""

__version__ = "0.1.0"
