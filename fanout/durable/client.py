"""What the app asks of Durable from outside an orchestration; the same whichever SDK it has.

A *client* is the SDK's own. Whatever fails is raised as the SDK does: `Exception` itself (1.x), or
an error of gRPC (2.x).
"""

from fanout.durable.sdk import IS_2

if IS_2:
    from fanout.durable.sdk2 import client as api
else:
    from fanout.durable.sdk1 import client as api  # type: ignore[no-redef]

management_urls = api.management_urls
purge = api.purge
raise_event = api.raise_event
read_status = api.read_status
start = api.start
terminate = api.terminate
