"""Why a resource is not added or removed; nothing has been changed then."""

from bedplate.errors import BedplateError

__all__ = ["ScaffoldError", "SpecificationError"]


class ScaffoldError(BedplateError):
    """The service as it is stands in the way."""

    code = "scaffold"


class SpecificationError(ScaffoldError):
    """The resource as it was asked for makes no sense, or no code."""

    code = "specification"
