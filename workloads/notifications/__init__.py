"""Notifications: tell recipients by email, webhook and SMS, and keep a receipt for each."""

from workloads.notifications.workload import Notifications

__all__ = ["Notifications"]
