"""Functions that read and write blobs and tables by bindings."""

import io
import json

import azure.durable_functions as df
import azure.functions as func
import azurefunctions.extensions.bindings.blob as blob

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="texts/{name}", methods=["PUT"])
@app.blob_output("out", path="texts/{name}.txt", connection="AzureWebJobsStorage")
def put_text(req: func.HttpRequest, out: func.Out[str]) -> str:
    if body := req.get_body():
        out.set(body.decode())
    return "put"


@app.route(route="files/{name}", methods=["PUT"], binding_arg_name="resp")
@app.blob_output("$return", path="texts/{name}.txt", connection="Storage")
def put_file(req: func.HttpRequest, resp: func.Out[func.HttpResponse]) -> bytes:
    resp.set(func.HttpResponse("made", status_code=201))
    return req.get_body()


@app.route(route="streams/{name}", methods=["PUT"])
@app.blob_output("out", path="texts/{name}.txt", connection="AzureWebJobsStorage")
async def put_stream(req: func.HttpRequest, out: func.Out[io.StringIO]) -> str:
    out.set(io.StringIO(req.get_body().decode()))
    return "put"


@app.route(route="places", methods=["POST"])
@app.blob_output(
    "out",
    path="%FOLDER%/{sys.methodname}/{Customer}/{order.id}/{query.q}/{headers.x-own}/{when}/"
    "{DateTime:yyyy-MM}-{rand-guid:N}",
    connection="AzureWebJobsStorage",
)
def put_place(req: func.HttpRequest, out: func.Out[str]) -> str:
    out.set("here")
    return "put"


@app.route(route="texts/{name}", methods=["GET"])
@app.blob_input("found", path="texts/{name}.txt", connection="AzureWebJobsStorage")
def get_text(req: func.HttpRequest, found: func.InputStream) -> str:
    return "nothing" if found is None else found.read().decode()


@app.route(route="kinds/{name}", methods=["GET"])
@app.blob_input("text", path="texts/{name}.txt", connection="AzureWebJobsStorage")
@app.blob_input("loose", path="texts/{name}.txt", connection="AzureWebJobsStorage")
@app.blob_input(
    "data", path="texts/{name}.txt", connection="AzureWebJobsStorage", data_type="BINARY"
)
@app.blob_input(
    "stream", path="texts/{name}.txt", connection="AzureWebJobsStorage", data_type="BINARY"
)
def get_kinds(
    req: func.HttpRequest, text: str, loose: bytes, data: bytes, stream: func.InputStream
) -> str:
    return json.dumps([text, type(loose).__name__, data.hex(), stream.read().hex()])


@app.route(route="clients/{name}", methods=["GET"])
@app.blob_input("one", path="texts/{name}.txt", connection="AzureWebJobsStorage")
@app.blob_input("all", path="texts", connection="AzureWebJobsStorage")
@app.blob_input("content", path="texts/{name}.txt", connection="AzureWebJobsStorage")
def get_clients(
    req: func.HttpRequest,
    one: blob.BlobClient,
    all: blob.ContainerClient,
    content: blob.StorageStreamDownloader,
) -> str:
    names = list(all.list_blob_names(name_starts_with="client-"))
    return json.dumps(
        [one.blob_name, one.get_blob_properties().size, names, content.readall().decode()]
    )


@app.blob_trigger("found", path="inbox/{folder}/{name}.txt", connection="AzureWebJobsStorage")
@app.blob_output("$return", path="copies/{name}-of-{folder}.txt", connection="AzureWebJobsStorage")
def copy(found: blob.BlobClient) -> str:
    return f"{found.container_name}/{found.blob_name}: " + found.download_blob().readall().decode()


@app.route(route="never", methods=["PUT"])
@app.blob_output("out", path="texts/{nobody}.txt", connection="AzureWebJobsStorage")
def put_nowhere(req: func.HttpRequest, out: func.Out[str]) -> str:
    out.set("lost")
    return "put"


@app.route(route="generic/{name}", methods=["PUT"])
@app.generic_input_binding(
    "old", type="blob", path="texts/{name}.txt", connection="AzureWebJobsStorage"
)
@app.generic_output_binding(
    "new", type="blob", path="texts/{name}.txt", connection="AzureWebJobsStorage"
)
def put_generic(req: func.HttpRequest, old: func.InputStream, new: func.Out[str]) -> str:
    new.set((old.read().decode() if old else "") + req.get_body().decode())
    return "put"


@app.route(route="rows", methods=["POST"])
@app.table_output(
    "rows", table_name="people", connection="AzureWebJobsStorage", partition_key="{query.city}"
)
def put_rows(req: func.HttpRequest, rows: func.Out[str]) -> str:
    rows.set(req.get_body().decode())
    return "put"


@app.route(route="returned-rows", methods=["POST"], binding_arg_name="resp")
@app.table_output("$return", table_name="people", connection="AzureWebJobsStorage")
def return_row(req: func.HttpRequest, resp: func.Out[func.HttpResponse]):
    resp.set(func.HttpResponse("made", status_code=201))
    return {"PartitionKey": "dicts", "RowKey": "1", "n": 1} if req.get_body() else None


@app.route(route="rows/{city}/{id}", methods=["GET"])
@app.table_input(
    "row",
    table_name="people",
    connection="AzureWebJobsStorage",
    partition_key="{city}",
    row_key="{id}",
)
def get_row(req: func.HttpRequest, row: str) -> str:
    return "nothing" if row is None else row


@app.route(route="rows/{city}", methods=["GET"])
@app.table_input(
    "rows",
    table_name="people",
    connection="AzureWebJobsStorage",
    partition_key="{city}",
    filter="name ge '{query.since}'",
    take=2,
)
def get_rows(req: func.HttpRequest, rows) -> str:
    return rows


@app.route(route="nulls/{table}", methods=["GET"])
@app.table_input("rows", table_name="{table}", connection="AzureWebJobsStorage")
def get_all(req: func.HttpRequest, rows: str) -> str:
    return rows


@app.route(route="runs", methods=["POST"])
@app.durable_client_input("client")
@app.blob_input("text", path="texts/{of}.txt", connection="AzureWebJobsStorage")
async def start(req: func.HttpRequest, text: str, client: df.DurableOrchestrationClient) -> str:
    instance = await client.start_new(
        "run", client_input={"id": req.get_json()["id"], "text": text}
    )
    answer = await client.wait_for_completion_or_create_check_status_response(req, instance, 20_000)
    return answer.get_body().decode()


@app.orchestration_trigger("context")
def run(context: df.DurableOrchestrationContext):
    first = yield context.call_activity("note", context.get_input())
    second = yield context.call_activity("note_return", context.get_input())
    return [first, second]


@app.activity_trigger("job")
@app.blob_output("out", path="notes/{id}.txt", connection="AzureWebJobsStorage")
@app.table_output(
    "row", table_name="notes", connection="AzureWebJobsStorage", partition_key="n", row_key="{id}"
)
def note(job: dict, out: func.Out[str], row: func.Out[str]) -> str:
    out.set(job["text"])
    row.set(json.dumps({"text": job["text"]}))
    return "noted"


@app.activity_trigger("job")
@app.blob_output("$return", path="notes/{data.id}-returned.txt", connection="AzureWebJobsStorage")
def note_return(job: dict) -> str:
    return f"returned {job['text']}"


# local.settings.json switches these off; somebody may call them by hand.
@app.route(route="off/{name}", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
@app.blob_input("text", path="texts/{name}.txt", connection="AzureWebJobsStorage")
@app.queue_output("sent", queue_name="from-off", connection="AzureWebJobsStorage")
def off(req: func.HttpRequest, text: str, sent: func.Out[str]) -> str:
    sent.set(text)
    return text


@app.timer_trigger("timer", schedule="0 0 0 1 1 *")
@app.queue_output("sent", queue_name="from-off-timer", connection="AzureWebJobsStorage")
def off_timer(timer: func.TimerRequest, sent: func.Out[str]) -> None:
    sent.set("by hand")


@app.route(route="off-nowhere", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
@app.queue_output("sent", queue_name="from-off", connection="NOWHERE")
def off_nowhere(req: func.HttpRequest, sent: func.Out[str]) -> str:
    return "never"
