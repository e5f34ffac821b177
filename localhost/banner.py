"""What is printed when the host is ready, as Core Tools prints it.

Source: DisplayFunctionsInfoUtilities.cs of Core Tools.
"""

from localhost.app import App
from localhost.execution.bindings import full_route
from localhost.execution.contract import FunctionInfo


def banner(app: App) -> str:
    """The functions of an app, HTTP functions first with their URLs."""
    http = app.functions.of_type("httpTrigger")
    others = [info for info in app.functions.enabled if info not in http]
    lines = ["", "Functions:", ""]
    for info in http:
        lines += [f"\t{info.name}: {_methods(info)} {_url(app, info)}", ""]
    for info in others:
        lines += [f"\t{info.name}: {info.trigger_type}", ""]
    lines += [f"Function {info.name} is disabled." for info in app.functions.disabled]
    lines += app.functions.skipped
    lines.append("For detailed output, run func with --verbose flag.")
    return "\n".join(lines)


def _methods(info: FunctionInfo) -> str:
    methods = info.trigger.get("methods")
    return f"[{','.join(method.upper() for method in methods)}]" if methods else ""


def _url(app: App, info: FunctionInfo) -> str:
    return f"{app.origin}/{full_route(info, app.settings.route_prefix)}"
