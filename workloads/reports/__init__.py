"""Reports: filter, group and summarise the rows of a table, exactly, however it is cut."""

from workloads.reports.workload import Reports

__all__ = ["Reports"]
