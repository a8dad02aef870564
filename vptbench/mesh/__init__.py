"""Projected meshes: which face each pixel shows, and the flow between two frames."""
