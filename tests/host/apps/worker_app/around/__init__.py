"""A function and the extension that is for it alone, since they have one name."""

import azure.functions as func
from watching import SEEN

blueprint = func.Blueprint()


class Around(func.FuncExtensionBase):
    """Notes what is done to one function."""

    def __init__(self, file_path: str) -> None:
        super().__init__(file_path)

    def post_function_load(self, function_name, function_directory, *args, **kwargs):
        SEEN.append(["loaded alone", function_name, function_directory])

    def pre_invocation(self, logger, context, func_args=None, *args, **kwargs):
        SEEN.append(["before alone", context.function_name])
        func_args["req"] = "changed"

    def post_invocation(self, logger, context, func_args=None, func_ret=None, *args, **kwargs):
        SEEN.append(["after alone", func_ret])


Around(__file__)


@blueprint.route(route="around")
def around(req: func.HttpRequest) -> str:
    return f"req is {req}"
