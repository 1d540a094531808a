"""Access tokens that differ from a real one in one point each, most of them signed correctly."""

import json
from typing import Any

from bedplate.auth.keys import Key
from bedplate.testing.contracts.attack import decode, encode


class Forger:
    """Makes forgeries of a token.

    Args:
        key: what signed it.
        token: a real one.
    """

    def __init__(self, key: Key, token: str) -> None:
        self.token = token
        self.header_segment, self.payload_segment, self.signature = token.split(".")
        self.header = decode(self.header_segment)
        self.claims = decode(self.payload_segment)
        self._key = key

    def header_with(self, **changes: Any) -> str:  # noqa: ANN401 - JSON
        """Change the header."""
        return self.sign(_dump({**self.header, **changes}), _dump(self.claims))

    def header_without(self, name: str) -> str:
        """Leave a parameter out of the header."""
        kept = {key: value for key, value in self.header.items() if key != name}
        return self.sign(_dump(kept), _dump(self.claims))

    def claims_with(self, **changes: Any) -> str:  # noqa: ANN401 - JSON
        """Change the claims."""
        return self.sign(_dump(self.header), _dump({**self.claims, **changes}))

    def claims_without(self, name: str) -> str:
        """Leave a claim out."""
        kept = {key: value for key, value in self.claims.items() if key != name}
        return self.sign(_dump(self.header), _dump(kept))

    def raw_header(self, raw: bytes) -> str:
        """Write any bytes for a header."""
        return self.sign(raw, _dump(self.claims))

    def raw_claims(self, raw: bytes) -> str:
        """Write any bytes for the claims."""
        return self.sign(_dump(self.header), raw)

    def header_text(self) -> str:
        """Give the header as JSON text."""
        return _dump(self.header).decode()

    def claims_text(self) -> str:
        """Give the claims as JSON text."""
        return _dump(self.claims).decode()

    def sign(self, header: bytes, payload: bytes) -> str:
        """Sign any header and payload with the service's own key."""
        signed = f"{encode(header)}.{encode(payload)}"
        return f"{signed}.{encode(self._signature(signed.encode()))}"

    def _signature(self, signed: bytes) -> bytes:
        from jwt.algorithms import get_default_algorithms

        algorithm = get_default_algorithms()[self._key.algorithm]
        made: bytes = algorithm.sign(signed, algorithm.prepare_key(self._key.material))
        return made


def _dump(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
