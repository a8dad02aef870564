"""Synthetic people and their videos, in the layout of a real dataset, with exact truth beside them."""
