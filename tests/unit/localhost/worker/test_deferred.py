"""Which parameters are clients of an extension, and how one is made."""

from typing import Literal

import azurefunctions.extensions.bindings.blob as blob
import pytest
from azurefunctions.extensions.base import SdkType

from localhost.execution.contract import BlobReference, is_deferred
from localhost.worker import deferred
from localhost.worker.signatures import SignatureError, check

CONNECTION = (
    "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:1/a;"
)


class OtherClient(SdkType):
    """A client that this host does not know."""


def test_a_binding_tells_whether_the_function_gets_a_client() -> None:
    binding = {"name": "b", "type": "blob", "direction": "in"}
    assert is_deferred(deferred.mark(binding, blob.BlobClient))
    assert not is_deferred(deferred.mark(binding, str))
    assert not is_deferred(deferred.mark(binding, None))
    assert not is_deferred(deferred.mark({**binding, "direction": "out"}, blob.BlobClient))


def test_a_client_is_made_of_the_setting_and_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLOBS", CONNECTION)
    reference = BlobReference("BLOBS", "texts", "a/b.txt")
    client = deferred.make_client("blob", blob.BlobClient, reference)
    assert (client.container_name, client.blob_name) == ("texts", "a/b.txt")
    container = deferred.make_client("blobTrigger", blob.ContainerClient, reference)
    assert container.container_name == "texts"


@pytest.mark.parametrize(
    ("binding_type", "annotation"),
    [("blob", OtherClient), ("serviceBusTrigger", OtherClient), ("table", blob.BlobClient)],
)
def test_a_client_that_is_not_given_is_named(binding_type: str, annotation: type) -> None:
    with pytest.raises(deferred.UnservedError, match=annotation.__name__):
        deferred.check_client("x", annotation, {"type": binding_type})


@pytest.mark.parametrize("annotation", [Literal["x"], str | bytes, list[str]])
def test_what_is_no_class_is_refused_beside_an_extension_too(annotation: object) -> None:
    def read(x): ...

    read.__annotations__ = {"x": annotation}
    with pytest.raises(SignatureError, match="'x' is annotated"):
        check(read, [{"name": "x", "type": "blobTrigger", "direction": "in"}])
