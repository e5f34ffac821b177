"""Where the API is and what opens it: from options, the environment, or a file, in this order."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cli.errors import CommandError

DEFAULT_URL = "http://localhost:7071"
URL, KEY, TOKEN, STORAGE, CONFIG = (
    "FANOUT_URL", "FANOUT_KEY", "FANOUT_TOKEN", "FANOUT_STORAGE", "FANOUT_CONFIG",
)  # fmt: skip
KNOWN = {"url", "key", "token", "storage", "account_url"}


@dataclass(frozen=True)
class ClientSettings:
    """What a client needs to know.

    Attributes:
        url: Of the app, without ``/api``.
        key: A function key, where callers do not sign in.
        token: A token of Entra ID, where they do.
        storage: Connection string of the account that data files are uploaded to.
        account_url: Of its Blob endpoint, where one signs in there instead.
    """

    url: str = DEFAULT_URL
    key: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    storage: str | None = field(default=None, repr=False)
    account_url: str | None = None

    @classmethod
    def found(
        cls, url: str | None, key: str | None, config: Path | None, environment: Mapping[str, str]
    ) -> "ClientSettings":
        """Put the settings together.

        Args:
            url: As an option said.
            key: As an option said.
            config: The file that an option named; None takes the usual one, if it is there.
            environment: Of the process.

        Raises:
            CommandError: The file cannot be read, or says what nobody knows.
        """
        said = _read(config, environment)
        return cls(
            url=(url or environment.get(URL) or said.get("url") or DEFAULT_URL).rstrip("/"),
            key=key or environment.get(KEY) or said.get("key"),
            token=environment.get(TOKEN) or said.get("token"),
            storage=environment.get(STORAGE) or said.get("storage"),
            account_url=environment.get(f"{STORAGE}__blobServiceUri") or said.get("account_url"),
        )


def default_config(environment: Mapping[str, str]) -> Path:
    """Where the file is, unless somebody says otherwise."""
    home = environment.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "fanout" / "config.toml"


def _read(config: Path | None, environment: Mapping[str, str]) -> dict[str, Any]:
    named = config or (Path(environment[CONFIG]) if environment.get(CONFIG) else None)
    path = named or default_config(environment)
    if not path.exists():
        if named is not None:
            raise CommandError(f"There is no file '{path}'.")
        return {}
    try:
        said = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise CommandError(f"'{path}' cannot be read as TOML: {error}") from error
    unknown = sorted(said.keys() - KNOWN)
    if unknown:
        names = ", ".join(sorted(KNOWN))
        raise CommandError(f"'{path}' says '{unknown[0]}'; it may say {names}.")
    _insist_on_private(path, said)
    return {name: str(value) for name, value in said.items()}


def _insist_on_private(path: Path, said: Mapping[str, Any]) -> None:
    """Refuse a file with secrets that everybody may read, as ssh does."""
    has_secret = bool({"key", "token", "storage"} & said.keys())
    if has_secret and os.name == "posix" and path.stat().st_mode & 0o077:
        raise CommandError(f"'{path}' has secrets and others may read it: chmod 600 '{path}'.")
