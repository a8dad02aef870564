"""The reference model: bidirectional propagation with Deformable Motion Modulation.

Source: Yu et al., ICCV 2023 (arXiv 2307.07754).
"""

from dmm_model.config import GeneratorConfig
from dmm_model.generator import Generator

__all__ = ["Generator", "GeneratorConfig"]
