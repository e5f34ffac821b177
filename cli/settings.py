"""The address of the API and its key: from options, the environment or a file, in this order."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cli.errors import CommandError

DEFAULT_URL = "http://localhost:7071"
URL = "FANOUT_URL"
KEY = "FANOUT_KEY"
TOKEN = "FANOUT_TOKEN"  # noqa: S105  the variable's name
STORAGE = "FANOUT_STORAGE"
CONFIG = "FANOUT_CONFIG"
# What a file may set, and what of it is secret.
NAMES = {"url", "key", "token", "storage", "account_url"}
SECRETS = {"key", "token", "storage"}


@dataclass(frozen=True)
class ClientSettings:
    """The settings of a client.

    Attributes:
        url: The address of the app, without ``/api``.
        key: A function key, for an app whose callers do not sign in.
        token: A token of Entra ID, for an app whose callers sign in.
        storage: Connection string of the account that data files are uploaded to.
        account_url: Its Blob endpoint, to sign in there instead.
    """

    url: str = DEFAULT_URL
    key: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    storage: str | None = field(default=None, repr=False)
    account_url: str | None = None

    @classmethod
    def load(
        cls, url: str | None, key: str | None, config: Path | None, environment: Mapping[str, str]
    ) -> "ClientSettings":
        """Load the settings.

        Args:
            url: The value of the option.
            key: The value of the option.
            config: The file of the option; None takes the default file, if it exists.
            environment: The environment of the process.

        Raises:
            CommandError: The file cannot be read, or has unknown names.
        """
        file = _read_config(config, environment)
        return cls(
            url=(url or environment.get(URL) or file.get("url") or DEFAULT_URL).rstrip("/"),
            key=key or environment.get(KEY) or file.get("key"),
            token=environment.get(TOKEN) or file.get("token"),
            storage=environment.get(STORAGE) or file.get("storage"),
            account_url=environment.get(f"{STORAGE}__blobServiceUri") or file.get("account_url"),
        )


def default_config(environment: Mapping[str, str]) -> Path:
    """The path of the default file."""
    home = environment.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "fanout" / "config.toml"


def _read_config(config: Path | None, environment: Mapping[str, str]) -> dict[str, Any]:
    explicit = config or (Path(environment[CONFIG]) if environment.get(CONFIG) else None)
    path = explicit or default_config(environment)
    if not path.exists():
        if explicit is not None:
            raise CommandError(f"There is no file '{path}'.")
        return {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise CommandError(f"'{path}' cannot be read as TOML: {error}") from error
    unknown = sorted(values.keys() - NAMES)
    if unknown:
        names = ", ".join(sorted(NAMES))
        raise CommandError(f"'{path}' says '{unknown[0]}'; it may say {names}.")
    _require_private(path, values)
    return {name: str(value) for name, value in values.items()}


def _require_private(path: Path, values: Mapping[str, Any]) -> None:
    """Refuse a file with secrets that others may read, as ssh does."""
    if SECRETS & values.keys() and os.name == "posix" and path.stat().st_mode & 0o077:
        raise CommandError(f"'{path}' has secrets and others may read it: chmod 600 '{path}'.")
