"""The clip store: contract 1 between the stages."""

from vptbench.store.reader import Store, open_store

__all__ = ["Store", "open_store"]
