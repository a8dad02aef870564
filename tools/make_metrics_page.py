"""Write docs/metrics.md from the table of metrics: what each id means, in the words beside its definition.

    .venv/bin/python tools/make_metrics_page.py

A test fails where the page is not what this script writes.
"""

import ast
import importlib.util
import inspect
from itertools import pairwise
from pathlib import Path

from vptbench.metrics import METRICS, metric_facts

PAGE = Path(__file__).parents[1] / "docs" / "metrics.md"

HEAD = """# Metrics

One id is one number for one input: code, constants and preprocessing behind it are frozen, and a change that
can move a score beyond the tolerance is a new id. `@random` behind an id marks a network with random weights,
whose figures may be compared with nothing outside one table. A frame metric is averaged over the frames of a
clip and then over clips (`pooling: clip`), or over all frames (`pooling: frame`), as the benchmark says; a
frame without a value (infinite PSNR, an empty region) is left out and counted. From two clips on
a mean carries a seeded bootstrap interval over clips, from five on a distance between distributions that of a
jackknife over at most 20 groups of clips.

This page is written by `tools/make_metrics_page.py` from the table of metrics and the words beside each.

| id | shown as | better | network | needs | tolerance |
|---|---|---|---|---|---|
"""


def constant_to_doc(module: str, name: str) -> str:
    """The string that stands below the assignment of `name` in `module`.

    Raises:
        LookupError: There is none.
    """
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None:
        raise LookupError(f"expected a module {module}, found none")
    body = ast.parse(Path(found.origin).read_text(encoding="utf-8")).body
    for statement, below in pairwise(body):
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        named = any(isinstance(target, ast.Name) and target.id == name for target in targets)
        if named and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            return inspect.cleandoc(str(below.value.value))
    raise LookupError(f"{module}: expected a docstring below {name}, found none")


def page() -> str:
    """The whole page."""
    rows, sections = [], []
    for metric_id, place in METRICS.items():
        facts = metric_facts(metric_id)
        module, _, name = place.partition(":")
        needs = ", ".join(getattr(facts, "needs", ())) or "–"
        better = "higher" if facts.higher_is_better else "lower"
        cells = [f"`{metric_id}`", facts.label, better, facts.network or "–", needs, f"{facts.tolerance:g}"]
        rows.append("| " + " | ".join(cells) + " |")
        settings = ", ".join(f"{key} {value}" for key, value in facts.settings.items())
        said = f"\n\nSettings: {settings}." if settings else ""
        sections.append(f"## `{metric_id}`\n\n{constant_to_doc(module, name)}{said}\n")
    return HEAD + "\n".join(rows) + "\n\n" + "\n".join(sections)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
