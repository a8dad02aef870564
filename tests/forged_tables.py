"""Folders of tables that somebody changed by hand."""

import json

from vptbench.manifest import file_to_sha256


def edit(path, change):
    """Change what a manifest says."""
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def edit_table(manifest, name, old, new):
    """Change a table and its hash, as a careful forger would."""
    path = manifest.with_name(name)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    edit(manifest, lambda document: document["tables"].update({name: file_to_sha256(path)}))
