"""App settings that are secrets of a vault: whether Azure has put the secret in place of each."""

from fanout.models.answers import Finding
from starters.diagnosis.findings import Installation, error

# What a setting holds as long as Azure has not found its secret.
# Source: https://learn.microsoft.com/azure/app-service/app-service-key-vault-references
REFERENCE = "@Microsoft.KeyVault("


def check_vault(installation: Installation) -> list[Finding]:
    """Name each setting that is a reference still; that it is one tells no secret."""
    settings = installation.environment.items()
    names = sorted(name for name, value in settings if value.startswith(REFERENCE))
    return [_tell(name) for name in names]


def _tell(name: str) -> Finding:
    secret = name.lower().replace("_", "-")
    return error(
        "vault",
        f"{name} refers to a secret of the vault that Azure has not found.",
        f"Put '{secret}' into the vault (az keyvault secret set), see that the app's identity has "
        "the role Key Vault Secrets User there, and restart the app.",
    )
