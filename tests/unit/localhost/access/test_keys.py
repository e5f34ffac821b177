import json
import stat

import pytest

from localhost.access.keys import DURABLE_SYSTEM_KEY, AuthLevel, KeyFileError, KeyRing, Scope


def test_keys_are_made_once_and_only_their_owner_reads_them(tmp_path):
    path = tmp_path / "data" / "keys.json"
    first = KeyRing.open(path)
    assert KeyRing.open(path).master_key == first.master_key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_master_key_opens_everything(tmp_path):
    ring = KeyRing.open(tmp_path / "keys.json")
    assert ring.level(ring.master_key, "hello") is AuthLevel.ADMIN
    assert ring.level(ring.master_key) is AuthLevel.ADMIN


def test_a_host_key_opens_any_function_but_no_webhook(tmp_path):
    ring = KeyRing.open(tmp_path / "keys.json")
    key = ring.keys_of(Scope.HOST)["default"]
    assert ring.level(key, "hello") is AuthLevel.FUNCTION
    assert ring.level(key) is AuthLevel.FUNCTION
    assert not ring.is_system_key(key, DURABLE_SYSTEM_KEY)


def test_a_function_key_opens_only_its_function(tmp_path):
    path = tmp_path / "keys.json"
    key = KeyRing.open(path).function_key("Hello")
    ring = KeyRing.open(path)
    assert ring.level(key, "hello") is AuthLevel.FUNCTION
    assert ring.level(key, "other") is AuthLevel.ANONYMOUS


def test_the_system_key_opens_webhooks_only(tmp_path):
    ring = KeyRing.open(tmp_path / "keys.json")
    assert ring.level(ring.durable_key) is AuthLevel.SYSTEM
    assert ring.level(ring.durable_key, "hello") is AuthLevel.SYSTEM
    assert ring.is_system_key(ring.durable_key, "DurableTask_Extension")
    assert not ring.is_system_key(ring.durable_key, "other_extension")
    assert not ring.is_system_key(None, DURABLE_SYSTEM_KEY)


@pytest.mark.parametrize("key", [None, "", "guess"])
def test_no_key_or_a_wrong_one_is_anonymous(tmp_path, key):
    ring = KeyRing.open(tmp_path / "keys.json")
    assert ring.level(key, "hello") is AuthLevel.ANONYMOUS


@pytest.mark.parametrize("text", ["{", "[]", json.dumps({"master": {}})])
def test_a_broken_key_file_is_refused_with_what_to_do(tmp_path, text):
    path = tmp_path / "keys.json"
    path.write_text(text)
    with pytest.raises(KeyFileError, match="Delete it"):
        KeyRing.open(path)


def test_levels_are_read_from_bindings():
    assert AuthLevel.parse("ANONYMOUS") is AuthLevel.ANONYMOUS
    assert AuthLevel.parse("admin") is AuthLevel.ADMIN
    assert AuthLevel.parse("function") is AuthLevel.FUNCTION
