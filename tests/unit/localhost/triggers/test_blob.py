"""What a blob trigger watches."""

from localhost.execution.contract import FunctionInfo
from localhost.triggers.blob import BlobSource


def test_the_hosts_own_storage_comes_before_what_is_called_storage_by_chance() -> None:
    trigger = {"name": "t", "type": "blobTrigger", "path": "inbox/{name}"}
    info = FunctionInfo("f", trigger, [trigger], is_async=False)
    environment = {"Storage": "/mnt/disk", "AzureWebJobsStorage": "Account"}
    assert BlobSource.from_trigger(info, environment).connection == "Account"
    trigger["connection"] = "data"
    assert BlobSource.from_trigger(info, {"DATA": "Other"}).connection == "Other"
