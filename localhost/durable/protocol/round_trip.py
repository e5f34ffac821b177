"""What the host changes in an app's results, because it parses them and writes them again.

The host keeps results as objects of .NET (Newtonsoft.Json). So ``$id``, ``$ref`` and ``$type`` at
the head of an object are taken for the serialiser's own, NaN becomes a text, and half a surrogate
pair a question mark. Failures have what looks like a credential hidden.
"""

import json
import re
from typing import Any

_METADATA = ("$id", "$ref", "$type")
_HEAD_SUSPECT = re.compile(r"\s*\{\s*\"\$")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_HIDDEN = "[Hidden Credential]"
_CREDENTIAL = re.compile(
    "(?:(?<!PublicKey)Token=|DefaultEndpointsProtocol=http|AccountKey=|Data Source=|Server=|"
    "Password=|pwd=|&amp;sig=|&sig=|[?]sig=|SharedAccessKey=|&amp;code=|&code=|[?]code=|key=)"
    "[^<\"']*",
    re.IGNORECASE,
)
# Each alternative holds one of them; the expression is slow on large texts.
_CREDENTIAL_WORDS = (
    "token=",
    "defaultendpointsprotocol=http",
    "accountkey=",
    "data source=",
    "server=",
    "password=",
    "pwd=",
    "sig=",
    "sharedaccesskey=",
    "code=",
    "key=",
)
_USER_AND_PASSWORD = re.compile(r"\b[a-z]+://[^:/\s]+:[^@/\s]+@[^:/\s]+:[0-9]+\b", re.IGNORECASE)


def result(text: str) -> str:
    """The JSON text of a result as the host hands it on."""
    if not _is_suspect(text):
        return text
    value = json.loads(text, parse_constant=str)
    if isinstance(value, dict):
        value = _without_metadata(value)
    # Half a surrogate pair cannot be sent as UTF-8.
    whole = json.dumps(value, ensure_ascii=False)
    return whole.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _is_suspect(text: str) -> bool:
    # Words are found much faster than by one expression, and results can be large.
    if "NaN" in text or "Infinity" in text or _HEAD_SUSPECT.match(text):
        return True
    has_escape = "\\ud" in text or "\\uD" in text
    return has_escape and _SURROGATE.search(text) is not None


def _without_metadata(value: dict[str, Any]) -> dict[str, Any] | None:
    while value and (name := next(iter(value))) in _METADATA:
        if name == "$ref":
            return None  # it refers to nothing
        value = {key: item for key, item in value.items() if key != name}
    return value


def failure(text: str) -> str:
    """The message of a failure with what may be a secret hidden."""
    hidden = _CREDENTIAL.sub(_HIDDEN, text) if _has_credential_word(text) else text
    return _USER_AND_PASSWORD.sub(_HIDDEN, hidden) if "://" in hidden else hidden


def _has_credential_word(text: str) -> bool:
    if "=" not in text:
        return False
    folded = text.casefold()
    return any(word in folded for word in _CREDENTIAL_WORDS)
