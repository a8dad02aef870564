"""Raw data to clip stores: datasets, crops, poses; one task a clip."""

from vptbench.prepare.build import PrepareReport, source_to_store
from vptbench.prepare.settings import PrepareSettings
from vptbench.prepare.sources import DATASETS

__all__ = ["DATASETS", "PrepareReport", "PrepareSettings", "source_to_store"]
