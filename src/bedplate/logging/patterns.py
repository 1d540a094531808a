"""What secrets and personal data look like inside a text, behind cheap substring gates."""

import re

REDACTED = "[redacted]"


def _keep_after_last_at(match: re.Match[str]) -> str:
    found = match.group()
    if "@" not in found:
        return found
    return f"://{REDACTED}@{found.rpartition('@')[2]}"


_BEARER = re.compile(r"(?i)\b(bearer)\s+[A-Za-z0-9._~+/=-]+")
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----[^\0]*")
_ROW = re.compile(r"(row contains) \([^\n]*")
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*)*")
# what bedplate.auth issues: API keys, and the 32 random bytes of refresh and one-time tokens
_API_KEY = re.compile(
    r"(?<![A-Za-z0-9])[a-z][a-z0-9]{1,15}_[\w-]{43}[0-9a-f]{8}(?![\w-])", re.ASCII
)
_OPAQUE = re.compile(
    r"(?<![\w-])(?=[\w-]{42}[AEIMQUYcgkosw048](?![\w-]))"
    r"(?=[\w-]{0,42}[A-Z])(?=[\w-]{0,42}[a-z])[\w-]{43}",  # names are seldom of both cases
    re.ASCII,
)
# four times as fast as they are: a character before the run lets the search skip to it
_LONG_RUN = re.compile(r"[^A-Za-z0-9_-][A-Za-z0-9_-]{43}")
_SHORTEST_OPAQUE = 43
_BCRYPT = re.compile(r"\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{22,}")
_ARGON2 = re.compile(r"\$argon2[id]{1,2}\$[A-Za-z0-9+/=,$-]*")
_URL = re.compile(r"://[^\s\"'<>]*")
_HEADER = re.compile(r"(?i)((?:authorization|cookie)[\"']?\s*[=:,]\s*)[^\n]+")
_NAMED = re.compile(
    r"(?i)((?:pass(?:word|wd|phrase)|pwd|secret(?:_?key)?|token|api[-_]?key|private[-_]?key"
    r"|credentials?)[\"']?\s*[=:]\s*)(?:\"[^\"\n]*\"?|'[^'\n]*'?|[^\s,;&\"')\]}]+)"
)
_KEY_DETAIL = re.compile(r"\)=\([^\n]*\)")
_PARAMETERS = re.compile(r"\[parameters: [^\n]*")
_INPUT_VALUE = re.compile(r"input_value=[^\n]*")
_INPUT_ITEM = re.compile(r"'input': [^\n]*")
_PART = r"[^\s@\"'<>(),;:=\[\]{}/?&]"
# from the beginning of a run and never back into it: a client may send one of 64 KiB
_EMAIL = re.compile(rf"(?<!{_PART}){_PART}++@{_PART}+")


def redact_patterns(text: str) -> str:
    """Replace what looks like credentials or an e-mail address in a text."""
    # a regular expression over every value costs more than all the rest of a log line, so each
    # runs only behind a substring that it needs
    if len(text) >= _SHORTEST_OPAQUE and _LONG_RUN.search(f" {text}"):
        text = _API_KEY.sub(REDACTED, _OPAQUE.sub(REDACTED, text))
    if "eyJ" in text:  # after those, in which chance may write it too
        text = _JWT.sub(REDACTED, text)
    if "$2" in text:
        text = _BCRYPT.sub(REDACTED, text)
    if "$argon2" in text:
        text = _ARGON2.sub(REDACTED, text)
    if " " in text:
        text = _redact_phrases(text)
    if "=" in text or ":" in text or "," in text:
        text = _redact_named(text)
    return _EMAIL.sub(REDACTED, text) if "@" in text else text


def _redact_phrases(text: str) -> str:
    if "earer" in text or "EARER" in text:
        text = _BEARER.sub(rf"\1 {REDACTED}", text)
    if "PRIVATE KEY" in text:
        text = _PRIVATE_KEY.sub(REDACTED, text)
    if "ow contains (" in text:  # PostgreSQL's detail of a failed check
        text = _ROW.sub(rf"\1 {REDACTED}", text)
    return text


def _redact_named(text: str) -> str:
    if "://" in text:
        text = _URL.sub(_keep_after_last_at, text)
    lower = text.lower()
    if "authorization" in lower or "cookie" in lower:
        text = _HEADER.sub(rf"\1{REDACTED}", text)
    if any(gate in lower for gate in ("pass", "pwd", "secret", "token", "key", "credential")):
        text = _NAMED.sub(rf"\1{REDACTED}", text)
    if ")=(" in text:  # PostgreSQL's detail of a unique or foreign key violation
        text = _KEY_DETAIL.sub(f")=({REDACTED})", text)
    if "[parameters: " in text:  # SQLAlchemy
        text = _PARAMETERS.sub(f"[parameters: {REDACTED}]", text)
    if "input_value=" in text:  # pydantic
        text = _INPUT_VALUE.sub(f"input_value={REDACTED}", text)
    if "'input': " in text:  # FastAPI's errors, and pydantic's as dictionaries
        text = _INPUT_ITEM.sub(f"'input': {REDACTED}", text)
    return text
