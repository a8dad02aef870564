"""Conformance checks that any package may call in its own tests, one file for each kind of extension."""

from vptbench.testing.layouts import check_layout
from vptbench.testing.metrics import check_metric
from vptbench.testing.models import check_audit, check_model

__all__ = ["check_audit", "check_layout", "check_metric", "check_model"]
