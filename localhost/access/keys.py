"""Access keys as the Functions host keeps them: master, host, system and function keys.

They live in one file that only its owner can read, are made at first use, and are asked for only
when the host runs with `--auth` (Core Tools ignores them locally, too).

Source: https://learn.microsoft.com/azure/azure-functions/function-keys-how-to
"""

import hmac
import json
import os
import secrets
from collections.abc import Mapping
from enum import Enum, IntEnum
from pathlib import Path
from typing import Any

MASTER = "_master"
DEFAULT = "default"
DURABLE_SYSTEM_KEY = "durabletask_extension"
KEY_BYTES = 40
Keys = dict[str, str]


class AuthLevel(IntEnum):
    """What a caller may do. The admin level includes the others, and none of those another."""

    ANONYMOUS = 0
    FUNCTION = 1
    SYSTEM = 2
    ADMIN = 3

    @classmethod
    def parse(cls, text: str) -> "AuthLevel":
        """Read an `authLevel` of a binding; unknown words mean function, the host's default."""
        return {"anonymous": cls.ANONYMOUS, "admin": cls.ADMIN}.get(text.lower(), cls.FUNCTION)


class Scope(Enum):
    """A group of keys of the host. The keys of a function go by its name in lower case."""

    MASTER = "master"
    HOST = "host"
    SYSTEM = "system"


class KeyFileError(Exception):
    """The key file cannot be used; the message says why and what to do."""


class KeyRing:
    """The keys of one host.

    Attributes:
        path: The file they are kept in.
    """

    def __init__(
        self, path: Path, kinds: dict[str, Keys], functions: dict[str, Keys] | None = None
    ) -> None:
        self.path = path
        self._kinds = kinds
        self._functions = functions or {}

    @classmethod
    def open(cls, path: Path) -> "KeyRing":
        """Load the keys, or make and save a first set.

        Raises:
            KeyFileError: The file is not readable as keys.
        """
        if not path.exists():
            ring = cls(
                path,
                {
                    "master": {MASTER: _new_key()},
                    "host": {DEFAULT: _new_key()},
                    "system": {DURABLE_SYSTEM_KEY: _new_key()},
                },
            )
            ring._save()
            return ring
        try:
            kinds = json.loads(path.read_text(encoding="utf-8"))
            _check_keys(kinds)
        except (ValueError, TypeError) as error:
            raise KeyFileError(
                f"{path} does not hold keys ({error}). Delete it to have new ones made."
            ) from error
        functions = kinds.pop("functions")
        return cls(path, kinds, functions)

    @property
    def master_key(self) -> str:
        """The key that opens everything."""
        return self._kinds["master"][MASTER]

    @property
    def durable_key(self) -> str:
        """The system key of the Durable extension's webhooks, made anew where it was deleted."""
        return self.system_key(DURABLE_SYSTEM_KEY)

    def system_key(self, name: str) -> str:
        """The system key of an extension's webhook, made anew where it was deleted."""
        return self.get(Scope.SYSTEM, name) or self.put(Scope.SYSTEM, name)

    def level(self, key: str | None, function: str | None = None) -> AuthLevel:
        """The level of a key; the keys of `function` count only where it is called."""
        if not key:
            return AuthLevel.ANONYMOUS
        function_keys = {} if function is None else self._functions.get(function.lower(), {})
        # In the order of the Functions host, which counts where one text is several keys.
        for keys, level in (
            (self._kinds["master"], AuthLevel.ADMIN),
            (self._kinds["system"], AuthLevel.SYSTEM),
            (self._kinds["host"], AuthLevel.FUNCTION),
            (function_keys, AuthLevel.FUNCTION),
        ):
            if _is_one_of(key, keys):
                return level
        return AuthLevel.ANONYMOUS

    def is_system_key(self, key: str | None, name: str) -> bool:
        """Whether this is the system key of that name, in any case."""
        known = self.get(Scope.SYSTEM, name)
        return bool(key) and known is not None and _is_one_of(str(key), {name: known})

    def function_key(self, function: str) -> str:
        """The default key of one function, made and saved at first use."""
        return self.get(function, DEFAULT) or self.put(function, DEFAULT)

    def keys_of(self, scope: Scope | str) -> Keys:
        """The keys of the host or of a function, by name."""
        return dict(self._scope(scope))

    def get(self, scope: Scope | str, name: str) -> str | None:
        """One key, its name in any case; None if there is none."""
        keys = self._scope(scope)
        return keys.get(_known_name(keys, name))

    def put(self, scope: Scope | str, name: str, value: str | None = None) -> str:
        """Make or replace a key and return it; without a value, a random one."""
        keys = self._scope(scope)
        key = value or _new_key()
        keys[_known_name(keys, name)] = key
        self._save()
        return key

    def delete(self, scope: Scope | str, name: str) -> bool:
        """Delete a key; False if there is none."""
        keys = self._scope(scope)
        is_known = keys.pop(_known_name(keys, name), None) is not None
        if is_known:
            self._save()
        return is_known

    def _scope(self, scope: Scope | str) -> Keys:
        if isinstance(scope, Scope):
            return self._kinds[scope.value]
        return self._functions.setdefault(scope.lower(), {})

    def _save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        staging_path = self.path.with_suffix(".new")
        descriptor = os.open(staging_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({**self._kinds, "functions": self._functions}, file, indent=2)
        staging_path.replace(self.path)


def _new_key() -> str:
    return secrets.token_urlsafe(KEY_BYTES)


def _known_name(keys: Keys, name: str) -> str:
    return next((known for known in keys if known.lower() == name.lower()), name)


def _is_one_of(key: str, keys: Mapping[str, str]) -> bool:
    # A header may hold bytes that are no UTF-8, and a key half a surrogate pair.
    given = key.encode("utf-8", "surrogatepass")
    matches = [
        hmac.compare_digest(given, known.encode("utf-8", "surrogatepass"))
        for known in keys.values()
    ]
    return any(matches)


def _check_keys(document: Any) -> None:
    if not isinstance(document, dict):
        raise TypeError("it is no JSON object")
    for kind in ("master", "host", "system", "functions"):
        if not isinstance(document.get(kind), dict):
            raise TypeError(f"'{kind}' is missing")
    if MASTER not in document["master"]:
        raise TypeError("the master key is missing")
