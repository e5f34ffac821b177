"""Extensions for all functions of the app."""

import azure.functions as func

SEEN = []


class Everywhere(func.AppExtensionBase):
    """Notes what is done to every function."""

    @classmethod
    def init(cls):
        SEEN.append(["made"])

    @classmethod
    def post_function_load_app_level(cls, function_name, function_directory, *args, **kwargs):
        SEEN.append(["loaded", function_name, function_directory])

    @classmethod
    def pre_invocation_app_level(cls, logger, context, func_args=None, *args, **kwargs):
        SEEN.append(["before", context.function_name, sorted(func_args)])
        logger.info("before %s", context.invocation_id)

    @classmethod
    def post_invocation_app_level(
        cls, logger, context, func_args=None, func_ret=None, *args, **kwargs
    ):
        SEEN.append(["after", context.function_name, str(func_ret)])


class Broken(func.AppExtensionBase):
    """Fails, which costs no call its answer."""

    @classmethod
    def pre_invocation_app_level(cls, logger, context, func_args=None, *args, **kwargs):
        raise ValueError("broken on purpose")


class Lost(func.FuncExtensionBase):
    """Is made with the path of no function."""

    def __init__(self, file_path: str) -> None:
        super().__init__(file_path)
