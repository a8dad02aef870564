"""Where tasks run: in this process, or on a Dask cluster, local or given. A task is one clip."""

from vptbench.engine.cluster import local_cluster, tasks_to_results
from vptbench.engine.report import Report

__all__ = ["Report", "local_cluster", "tasks_to_results"]
