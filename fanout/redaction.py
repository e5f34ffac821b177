"""Takes keys, tokens and passwords out of error messages.

The messages come from libraries and from workloads, and may quote a connection string, or an
address with a signature in it.
"""

import re
from typing import Annotated

from pydantic import AfterValidator

STARS = "***"
_SECRET = re.compile(
    # of connection strings: AccountKey=...; SharedAccessKey=...; Password=...
    r"(?P<pair>\b(?:AccountKey|SharedAccessKey|SharedAccessSignature|SharedSecretValue|Password|Pwd"
    r"|client_secret|InstrumentationKey)\s*=\s*)[^;&\s\"']+"
    # of addresses: ?sig=...&code=...
    r"|(?P<query>[?&](?:sig|code|key|token|access_token|api[-_]?key|subscription-key)=)[^&\s\"'#]+"
    # of headers: Authorization: Bearer ...
    r"|(?P<scheme>\b(?:Bearer|Basic|SharedKey|SharedAccessSignature)\s+)[A-Za-z0-9._~+/:=&%-]{8,}"
    r"|(?P<header>\b(?:x-functions-key|api-key|ocp-apim-subscription-key)[\"']?\s*[:=]\s*[\"']?)"
    r"[^\s\"',;]+"
    # of addresses with a user: https://name:password@host
    r"|(?P<user>://[^/\s:@]*:)[^/\s@]+(?=@)",
    re.IGNORECASE,
)


def redact_secrets(text: str) -> str:
    """Put stars in the place of every secret whose form gives it away."""
    return _SECRET.sub(lambda match: f"{match[str(match.lastgroup)]}{STARS}", text)


Redacted = Annotated[str, AfterValidator(redact_secrets)]
