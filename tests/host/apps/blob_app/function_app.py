"""A function that a blob triggers; it writes down what it was given."""

import json
import os
from pathlib import Path

import azure.functions as func

app = func.FunctionApp()
SEEN = Path(os.environ["SEEN"])


@app.blob_trigger(arg_name="blob", path="%WATCHED%/{folder}/{name}.txt", connection="BLOBS")
def told(blob: func.InputStream) -> None:
    data = blob.read().decode()
    document = {
        "name": blob.name,
        "data": data,
        "length": blob.length,
        "uri": blob.uri,
        "metadata": blob.metadata,
    }
    with SEEN.open("a") as file:
        file.write(json.dumps(document) + "\n")
    if data == "poison":
        raise ValueError("never")
