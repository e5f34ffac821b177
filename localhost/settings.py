"""The settings of an app: host.json, local.settings.json and the environment of the process.

Core Tools and the Functions host are followed: the process's environment wins over the file, and
`AzureFunctionsJobHost__a__b` sets `a.b` of host.json.
"""

import copy
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localhost.limits import allowed_functions, function_timeout
from localhost.log_levels import LogLevels

DEFAULT_PORT = 7071
DEFAULT_ROUTE_PREFIX = "api"
BODY_LIMIT_SETTING = "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"
BODY_LIMIT_BYTES = 104_857_600
HOST_FILE = "host.json"
LOCAL_FILE = "local.settings.json"
_OVERRIDE_PREFIX = "azurefunctionsjobhost"
_COMMENT = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_REFERENCE = re.compile(r"%([^%]+)%")


class SettingsError(Exception):
    """A settings file cannot be used; the message has the file, the line and the reason."""


@dataclass(frozen=True)
class Cors:
    """Which web pages may call the app."""

    origins: tuple[str, ...]
    allows_credentials: bool


@dataclass(frozen=True)
class LocalSettings:
    """local.settings.json, or what holds without it."""

    values: dict[str, str] = field(default_factory=dict)
    port: int = DEFAULT_PORT
    address: str | None = None
    cors: Cors | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Settings:
    """All settings of an app.

    Attributes:
        environment: What user code finds in `os.environ`.
        address: Where to listen; None means the loopback addresses.
        warnings: What was passed over in the files, for the log.
    """

    app_dir: Path
    host_json: dict[str, Any]
    environment: dict[str, str]
    port: int = DEFAULT_PORT
    address: str | None = None
    cors: Cors | None = None
    warnings: tuple[str, ...] = ()

    @classmethod
    def load(cls, app_dir: Path, process_environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the files of an app.

        Raises:
            SettingsError: One of them is missing or wrong.
        """
        local = read_local_settings(app_dir / LOCAL_FILE)
        clashes = [
            f"Skipping '{name}' from local settings as it's already defined in current "
            "environment variables."
            for name in local.values
            if name in process_environment
        ]
        environment = {
            "FUNCTIONS_WORKER_RUNTIME": "python",
            **local.values,
            **process_environment,
            "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
            "AzureWebJobsScriptRoot": str(app_dir),
        }
        host_json = override(read_host_json(app_dir / HOST_FILE), environment)
        for key, error in _bad_limits(host_json):
            raise SettingsError(f"AzureFunctionsJobHost__{key}: {error}.")
        return cls(
            app_dir=app_dir,
            host_json=host_json,
            environment=environment,
            port=local.port,
            address=local.address,
            cors=local.cors,
            warnings=(*local.warnings, *clashes),
        )

    @property
    def route_prefix(self) -> str:
        """What the routes of HTTP functions begin with, without slashes at its ends."""
        prefix = self.extension("http").get("routePrefix", DEFAULT_ROUTE_PREFIX)
        return str(prefix or "").strip("/")

    @property
    def body_limit_bytes(self) -> int:
        """The largest body of a request.

        Raises:
            SettingsError: The setting is no number.
        """
        text = self.environment.get(BODY_LIMIT_SETTING) or str(BODY_LIMIT_BYTES)
        if re.fullmatch(r"[0-9]{1,18}", text) is None:
            raise SettingsError(
                f"{BODY_LIMIT_SETTING} must be a number of bytes, not '{text[:100]}'."
            )
        return int(text)

    def extension(self, name: str) -> dict[str, Any]:
        """A section of host.json's `extensions`, empty where it is missing."""
        section = (self.host_json.get("extensions") or {}).get(name)
        return section if isinstance(section, dict) else {}

    def resolve(self, text: str) -> str:
        """Replace each `%NAME%` by the setting of that name.

        Raises:
            KeyError: There is no such setting.
        """
        return _REFERENCE.sub(lambda match: self._setting(match[1]), text)

    def is_disabled(self, function: str) -> bool:
        """Whether `AzureWebJobs.<function>.Disabled` is true or 1, with dots or with underscores.

        The Functions host knows these two spellings. With two underscores each, as elsewhere for
        a path of settings, it is passed over.
        """
        names = (f"AzureWebJobs{mark}{function}{mark}Disabled" for mark in "._")
        return any(self._switch(name) for name in names)

    def _switch(self, name: str) -> bool:
        try:
            return self._setting(name).lower() in ("true", "1")
        except KeyError:
            return False

    def _setting(self, name: str) -> str:
        if name in self.environment:
            return self.environment[name]
        for known, value in self.environment.items():
            if known.lower() == name.lower():
                return value
        raise KeyError(name)


def read_host_json(path: Path) -> dict[str, Any]:
    """Read host.json.

    Raises:
        SettingsError: It is missing, not JSON, or not of version 2.0.
    """
    if not path.exists():
        raise SettingsError(
            f"There is no {HOST_FILE} in {path.parent}: start the host in the folder of a function "
            "app, or name it with --app."
        )
    document, text = _read_json(path)
    if document.get("version") != "2.0":
        raise _field_error(path, text, "version", 'it must have "version": "2.0"')
    extensions = document.get("extensions")
    if extensions is not None and not isinstance(extensions, dict):
        raise _field_error(path, text, "extensions", "it must be an object")
    for key, error in _bad_limits(document):
        raise _field_error(path, text, key.rpartition("__")[2], str(error))
    return document


def read_local_settings(path: Path) -> LocalSettings:
    """Read local.settings.json; without one, the environment of the process is all there is.

    Raises:
        SettingsError: It is not JSON, is encrypted, or has something of the wrong kind.
    """
    if not path.exists():
        return LocalSettings()
    document, text = _read_json(path)
    if document.get("IsEncrypted", True) is not False:
        raise _field_error(
            path,
            text,
            "IsEncrypted",
            'the file counts as encrypted unless it has "IsEncrypted": false; '
            "run `func settings decrypt`, or add that line if its values are plain",
        )
    sections = {
        name: _section(path, text, document, name)
        for name in ("Values", "ConnectionStrings", "Host")
    }
    values, warnings = _values(path, text, sections["Values"])
    for name, connection in sections["ConnectionStrings"].items():
        value = connection.get("ConnectionString") if isinstance(connection, dict) else connection
        if not isinstance(value, str):
            raise _field_error(path, text, name, "a connection string must be a text")
        values[f"ConnectionStrings:{name}"] = value
    host = sections["Host"]
    return LocalSettings(
        values=values,
        port=_port(path, text, host),
        address=host.get("LocalHttpAddress"),
        cors=_cors(host),
        warnings=tuple(warnings),
    )


def override(host_json: dict[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """Apply `AzureFunctionsJobHost__a__b=value` settings; names match whatever their case."""
    result = copy.deepcopy(host_json)
    for name, value in environment.items():
        first, *keys = re.split(r"__|:", name)
        if first.lower() != _OVERRIDE_PREFIX or not keys:
            continue
        section = result
        for key in keys[:-1]:
            key = _known_key(section, key)
            if not isinstance(section.get(key), dict):
                section[key] = {}
            section = section[key]
        key = _known_key(section, keys[-1])
        section[key] = value if isinstance(section.get(key), str) else _scalar(value)
    return result


def _bad_limits(host_json: dict[str, Any]) -> Iterator[tuple[str, ValueError]]:
    readers = {
        "functionTimeout": function_timeout,
        "functions": allowed_functions,
        "logging__logLevel": LogLevels.from_host_json,
    }
    for key, read in readers.items():
        try:
            read(host_json)
        except ValueError as error:
            yield key, error


def _known_key(section: Mapping[str, Any], key: str) -> str:
    return next((known for known in section if known.lower() == key.lower()), key)


def _scalar(text: str) -> str | int | bool:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else text


def _read_json(path: Path) -> tuple[dict[str, Any], str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error
    # .NET's reader takes comments; blanking them keeps the line numbers.
    plain = _COMMENT.sub(_blank_comment, text)
    try:
        document = json.loads(plain)
    except json.JSONDecodeError as error:
        raise SettingsError(
            f"{path}, line {error.lineno}, column {error.colno}: {error.msg}."
        ) from error
    if not isinstance(document, dict):
        raise SettingsError(f"{path}, line 1: it must hold a JSON object.")
    return document, text


def _blank_comment(match: re.Match[str]) -> str:
    token = match[0]
    return token if token.startswith('"') else re.sub(r"[^\n]", " ", token)


def _field_error(path: Path, text: str, key: str, reason: str) -> SettingsError:
    position = text.find(f'"{key}"')
    line = text.count("\n", 0, position) + 1 if position >= 0 else 1
    return SettingsError(f"{path}, line {line}: '{key}': {reason}.")


def _section(path: Path, text: str, document: dict[str, Any], name: str) -> dict[str, Any]:
    section = document.get(name)
    if section is not None and not isinstance(section, dict):
        raise _field_error(path, text, name, "it must be an object")
    return section or {}


def _values(path: Path, text: str, section: dict[str, Any]) -> tuple[dict[str, str], list[str]]:
    values, warnings = {}, []
    for name, value in section.items():
        if not name or value is None:
            warnings.append(f"Skipping '{name}' from local settings as it has no name or value.")
        elif isinstance(value, dict | list):
            raise _field_error(path, text, name, "a value must be a text, not an object or a list")
        elif isinstance(value, bool):
            values[name] = str(value).lower()
        else:
            values[name] = str(value)
    return values, warnings


def _port(path: Path, text: str, host: dict[str, Any]) -> int:
    port = host.get("LocalHttpPort", DEFAULT_PORT)
    if isinstance(port, str) and port.isdecimal() and len(port) < 6:
        port = int(port)
    if not isinstance(port, int) or isinstance(port, bool) or not 0 <= port <= 65_535:
        raise _field_error(path, text, "LocalHttpPort", f"{port!r} is no port")
    return port


def _cors(host: dict[str, Any]) -> Cors | None:
    origins = tuple(part.strip() for part in str(host.get("CORS") or "").split(",") if part.strip())
    if not origins:
        return None
    return Cors(origins, host.get("CORSCredentials") in (True, "true", "True"))
