"""A function in a folder below the app's."""

import azure.functions as func

blueprint = func.Blueprint()


@blueprint.route(route="place")
def place(req: func.HttpRequest, context: func.Context) -> str:
    return context.function_directory
