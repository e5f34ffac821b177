"""The workload `notifications`: notify each recipient once over every channel.

Jinja, SMTP and HTTP are imported where a message is sent or a run submitted, and not before: the
app starts without them.
"""

import asyncio
from typing import Any

from fanout.errors import FieldProblem
from fanout.records import SourceInfo
from fanout.workload import Context, MapWorkload
from workloads.notifications.parameters import NotificationParameters
from workloads.notifications.recipient import Recipient


class Notifications(MapWorkload[Recipient, NotificationParameters]):
    """Render, send, and return a receipt for each channel.

    It has no downstream: the webhook of one recipient being down must not hold the others.
    """

    name = "notifications"
    description = "Tells recipients by email, webhook and SMS; returns delivery receipts."
    item_model = Recipient
    parameters_model = NotificationParameters

    def item_id(self, item: Recipient) -> str:
        """The recipient's own id."""
        return item.id

    def check(self, parameters: NotificationParameters, source: SourceInfo) -> list[FieldProblem]:
        """Name templates that do not compile, and channels that the app has no settings for."""
        from workloads.notifications.check import find_list_problems, find_problems
        from workloads.notifications.settings import notification_settings

        return [
            *find_problems(parameters, notification_settings()),
            *find_list_problems(parameters.suppression_list),
        ]

    async def process(
        self, item: Recipient, context: Context[NotificationParameters]
    ) -> dict[str, Any]:
        """Notify one recipient; sending blocks, so it has a thread."""
        from workloads.notifications.delivery import Delivery

        receipts = await asyncio.to_thread(Delivery.prepare(item, context).run)
        return {channel: receipt.model_dump(mode="json") for channel, receipt in receipts.items()}
