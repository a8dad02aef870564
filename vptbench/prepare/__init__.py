"""Raw data to clip stores: datasets, crops, poses; one task a clip. `build.source_to_store` is the way in.

It is not named here, so that fetching a dataset does not load torch.
"""

from vptbench.prepare.sources import DATASETS

__all__ = ["DATASETS"]
