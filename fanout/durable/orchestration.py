"""What an orchestrator asks of the SDK; the same functions whichever is installed.

A *task* is the SDK's: an orchestrator yields it, and looks at it by these functions alone.
"""

from fanout.durable.sdk import IS_2

if IS_2:
    from fanout.durable.sdk2 import orchestration as api
else:
    from fanout.durable.sdk1 import orchestration as api  # type: ignore[no-redef]

all_of = api.all_of
any_of = api.any_of
await_all_or_failure = api.await_all_or_failure
call_activity = api.call_activity
call_activity_with_retry = api.call_activity_with_retry
call_child = api.call_child
cancel_event = api.cancel_event
cancel_timer = api.cancel_timer
continue_as_new = api.continue_as_new
failure_of = api.failure_of
failure_text = api.failure_text
is_completed = api.is_completed
now = api.now
release = api.release
start_timer = api.start_timer
value_of = api.value_of
wait_for_event = api.wait_for_event
