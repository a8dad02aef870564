"""Published figures against measured ones: a method's raw data and checkpoint to one explained table."""

from vptbench.reproduce.run import ReproduceSettings, Reproduction, reproduce

__all__ = ["ReproduceSettings", "Reproduction", "reproduce"]
