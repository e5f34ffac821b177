"""A setting that refers to a secret which is not there is named, with what to do."""

from starters.diagnosis.findings import Installation
from starters.diagnosis.vault import check_vault

REFERENCE = "@Microsoft.KeyVault(SecretUri=https://kv.vault.example/secrets/fanout-smtp)"


def test_each_setting_that_azure_did_not_resolve_is_named_without_its_address():
    settings = {"FANOUT_SMTP": REFERENCE, "FANOUT_SMS_TOKEN": "t", "FANOUT_SMS_URL": ""}
    (found,) = check_vault(Installation({}, settings, {}))
    assert (found.check, found.level) == ("vault", "error")
    assert found.message.startswith("FANOUT_SMTP ")
    assert "'fanout-smtp'" in found.remedy
    assert "vault.example" not in found.message + found.remedy


def test_nothing_is_said_where_every_secret_is_there_or_there_is_no_vault():
    assert check_vault(Installation({}, {"FANOUT_SMTP": "smtps://mail.example.org"}, {})) == []
