"""One function of each authorization level, and one that hands out the URLs of an instance."""

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp()


@app.route(route="anyone", auth_level=func.AuthLevel.ANONYMOUS)
def anyone(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("anyone")


@app.route(route="callers", auth_level=func.AuthLevel.FUNCTION)
def callers(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("callers")


@app.route(route="others", auth_level=func.AuthLevel.FUNCTION)
def others(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("others")


@app.route(route="owner", auth_level=func.AuthLevel.ADMIN)
def owner(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("owner")


@app.route(route="shut", auth_level=func.AuthLevel.FUNCTION)
@app.durable_client_input(client_name="client")
async def shut(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    return func.HttpResponse(client.create_http_management_payload("made")["id"])


@app.route(route="shut/{to}", auth_level=func.AuthLevel.ANONYMOUS)
def shut_to_all(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("shut to all")


@app.route(route="start", auth_level=func.AuthLevel.ANONYMOUS)
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    return client.create_check_status_response(req, await client.start_new("nothing"))


@app.orchestration_trigger(context_name="context")
def nothing(context: df.DurableOrchestrationContext):
    yield context.task_all([])
