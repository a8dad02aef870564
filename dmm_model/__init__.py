"""The reference model: bidirectional propagation with Deformable Motion Modulation (BDMM, arXiv 2307.07754)."""
