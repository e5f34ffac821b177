"""Images: renditions, a thumbnail and metadata of each photo, and a contact sheet of all."""

from workloads.images.workload import Images

__all__ = ["Images"]
