"""Published figures beside measured ones, and what is known of each difference: a table, and a page of it."""

from collections.abc import Mapping, Sequence
from typing import cast

import pandas as pd

from vptbench.leaderboard.rules import RANDOM_SUFFIX, weights_to_sentence
from vptbench.leaderboard.text import rows_to_markdown
from vptbench.manifest import Json
from vptbench.reproduce.recipe import Facts, Recipe
from vptbench.score.published import GROUPS, MEASURED, differences, published_rows, scores_to_published

COLUMNS = (
    "column", "metric", "published", "source", "measured", "low", "high", "difference", "percent", "known",
)  # fmt: skip
"""Of the table. A figure that others print of the method has neither ``metric`` nor anything measured."""

RANDOM = "the network has random weights, whose figures compare with nothing: no difference is given"
CLAUSES = "; "
"""Between the remarks of a published row."""


def facts_to_table(recipe: Recipe, facts: Facts) -> pd.DataFrame:
    """Set the figures of a run beside the published ones.

    Returns:
        A table with `COLUMNS`, a row for each definition of a published column, and one for each figure of
        the method that others print; NaN where there is no number. ``known`` holds tuples of texts.
    """
    group = GROUPS[facts.group]
    rows = published_rows().rename(columns={"metric": "column", "value": "published"})
    rows = rows[(rows["dataset"].str.lower() == group.dataset) & rows["method"].isin(recipe.methods)]
    rows = rows[["column", "published", "source", "notes"]]
    authors = rows["source"] == recipe.source
    measured = scores_to_published(facts.scores, (facts.group,))
    measured = measured[measured["source"] == MEASURED].drop(columns="source")
    measured = measured.rename(columns={"value": "measured", "notes": "reason"})
    measured = measured.merge(rows[authors], on="column", how="left")
    table = pd.concat([measured, rows[~authors]], ignore_index=True)
    table = table.fillna(dict.fromkeys(("metric", "source", "notes", "reason"), ""))
    random = table["metric"].str.endswith(RANDOM_SUFFIX)
    table["difference"] = (table["measured"] - table["published"]).where(~random)
    table["percent"] = 100 * table["difference"] / table["published"]
    texts = {
        name: [text for note in notes if (text := note if isinstance(note, str) else note(facts))]
        for name, notes in {"": (), **recipe.notes}.items()
    }
    texts[""] = differences(facts.scores, facts.group) + texts[""]
    remarks = [notes.split(CLAUSES) for notes in rows.loc[authors, "notes"]]
    shared = [text for text in remarks[0] if all(text in others for others in remarks)]
    records = cast("list[dict[str, str]]", table.to_dict("records"))
    table["known"] = pd.Series([_row_to_known(row, texts, shared) for row in records], table.index)
    order = {name: place for place, name in enumerate(group.columns)}
    table = table.sort_values("column", key=lambda names: names.map(order), kind="stable")
    return table[list(COLUMNS)].reset_index(drop=True)


def _row_to_known(
    row: Mapping[str, str], texts: Mapping[str, list[str]], shared: Sequence[str]
) -> tuple[str, ...]:
    """What is known of one row; `shared` are the remarks that all published figures have."""
    if not row["metric"]:
        return (f"as printed in {row['source']}: {row['notes']}",)
    known = [text for name, found in texts.items() if row["metric"].startswith(name) for text in found]
    if row["source"]:
        remarks = [text for text in row["notes"].split(CLAUSES) if text not in shared]
        known += [f"published figures: {CLAUSES.join(shared)}"] if shared else []
        known += [f"published {row['column']}: {CLAUSES.join(remarks)}"] if remarks else []
    else:
        known += [f"no {row['column']} of its authors is at hand"]
    known += [RANDOM] if row["metric"].endswith(RANDOM_SUFFIX) else []
    return (*known, *([f"no figure: {row['reason']}"] if row["reason"] else []))


def table_to_page(recipe: Recipe, facts: Facts, table: pd.DataFrame) -> str:
    """The table as Markdown, aligned so that it can be read as it is, with what is known below it."""
    known = table.loc[table["metric"] != "", "known"].tolist()
    general = [text for text in known[0] if all(text in texts for texts in known)]
    special = [text for text in dict.fromkeys(table["known"].explode()) if text not in general]

    def cells(column: str, form: str) -> list[str]:
        return ["" if pd.isna(value) else format(value, form) for value in table[column]]

    intervals = zip(cells("low", ".5g"), cells("high", ".5g"), strict=True)
    columns = {
        "metric": table["column"].tolist(),
        "definition": [name or "printed by others" for name in table["metric"]],
        "published": cells("published", "g"),
        "measured": cells("measured", ".5g"),
        "95 % interval": [f"{low} to {high}" if low else "" for low, high in intervals],
        "difference": cells("difference", "+.4g"),
        "in %": cells("percent", "+.1f"),
        "known": [
            ", ".join(str(number) for number, text in enumerate(special, 1) if text in texts)
            for texts in table["known"]
        ],
    }
    padded = []
    for heading, column in columns.items():
        width = max(map(len, (heading, *column)))
        padded.append([cell.ljust(width) for cell in (heading, *column)])
    return "\n\n".join([
        f"# {recipe.title} on {facts.frozen.dataset}: published against measured",
        _facts_to_lines(recipe, facts),
        rows_to_markdown(list(zip(*padded, strict=True))),
        "Differences are measured minus published. What is known of single rows, by number:",
        "\n".join(f"{number}. {text}" for number, text in enumerate(special, 1)),
        "What is known of all measured rows:",
        "\n".join(f"- {text}" for text in general),
    ]) + "\n"  # fmt: skip


def _facts_to_lines(recipe: Recipe, facts: Facts) -> str:
    """Source, protocol, checkpoint and amount of what was measured."""
    frozen, used, clips = facts.frozen, facts.used, facts.scores.clips
    file = cast("Mapping[str, Mapping[str, Json]]", facts.scores.outputs)["checkpoint"]
    true = f"{facts.reference['clips']} {used.reference} clips, {facts.reference['frames']} frames"
    return "\n".join([
        f"- published: {recipe.source}",
        f"- protocol: {used.id}, {'frozen' if used == frozen else f'which is not the frozen {frozen.id}'}",
        f"- checkpoint: `{file['name']}`, SHA-256 {file['sha256']}",
        f"- measured: {len(clips)} {used.split} clips, {facts.frames} frames; compared with: {true}",
        f"- networks: {weights_to_sentence(list(facts.scores.metrics))}",
    ])  # fmt: skip
