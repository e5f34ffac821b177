"""Failure texts as the extension writes them (`TaskActivityShim`, `OutOfProcExceptionHelpers`)."""

import json


def activity_reason(name: str, message: str) -> str:
    """What the orchestrator sees; `message` is ``ExceptionType: text``.

    There are two spaces because the extension keeps the one that follows ``Exception:`` in the
    worker's report.
    """
    return f"Activity function '{name}' failed:  {message}"


def activity_details(message: str, stack: str | None) -> str:
    """The .NET exception that the extension serialises beside the reason."""
    report = f"Result: Failure\nException: {message}\nStack: {stack or ''}"
    inner = _exception(
        "Microsoft.Azure.WebJobs.Script.Workers.Rpc.RpcException, "
        "Microsoft.Azure.WebJobs.Script.Grpc",
        report,
        None,
    )
    outer = _exception("System.Exception, System.Private.CoreLib", f" {message}", inner)
    return json.dumps(outer, separators=(",", ":"), ensure_ascii=False)


def _exception(kind: str, message: str, inner: dict[str, object] | None) -> dict[str, object]:
    return {
        "$type": kind,
        "ClassName": kind.split(",")[0],
        "Message": message,
        "Data": None,
        "InnerException": inner,
        "HelpURL": None,
        "StackTraceString": None,
        "RemoteStackTraceString": None,
        "RemoteStackIndex": 0,
        "ExceptionMethod": None,
        "HResult": -2146233088,
        "Source": None,
        "WatsonBuckets": None,
    }


def orchestrator_details(message: str) -> str:
    """What a parent is told beside a child's failure: where the extension is at that moment."""
    return (
        f"Message: {message}, StackTrace:    at Microsoft.Azure.WebJobs.Extensions.DurableTask."
        "TaskOrchestrationShim.InvokeUserCodeAndHandleResults(RegisteredFunctionInfo "
        "orchestratorInfo, OrchestrationContext innerContext)"
    )


def contradiction_details(message: str) -> str:
    """What a parent is told beside the failure of a child that contradicts its history."""
    return (
        "Unhandled exception while executing orchestration: "
        f"DurableTask.Core.Exceptions.NonDeterministicOrchestrationException: {message}"
    )


def unreadable_failure(error: str, stack: str | None) -> str:
    """The message of an orchestrator's failure that holds no state which could be read."""
    return (
        f"One or more errors occurred. (Result: Failure\nException: {error}\nStack: {stack or ''})"
    )


def orchestrator_failure(name: str, message: str) -> str:
    """The output of a failed instance."""
    return f"Orchestrator function '{name}' failed: {message}"


def action_limit_failure(limit: int) -> str:
    """Why an orchestration with too many actions fails."""
    return (
        f"Maximum amount of orchestration actions ({limit:,}) has been reached. This value can be "
        "configured in host.json file as MaxOrchestrationActions."
    )


def status_size_failure(size_bytes: int) -> str:
    """Why an orchestration with too large a custom status fails."""
    return (
        "The UTF-16 size of the JSON-serialized payload must not exceed 16 KB. The current payload "
        f"size is {size_bytes // 1024} KB."
    )
