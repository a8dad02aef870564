"""A protocol in which one person takes another's poses."""

CROSS = {
    "format": "vptbench-benchmark", "version": 1, "id": "mine-v1", "dataset": "synthetic", "split": "test",
    "crop": "clip-square-v1", "size": None, "targets": "all", "driving": "cross", "pooling": "frame",
    "reference": "test", "metrics": ["fid-v1"], "items": [
        {"id": "b/1/by/a", "source": {"clip": "b/1", "frame": 5},
         "driving": {"clip": "a", "first": 1, "last": 3},
         "real": {"clip": "b/1", "first": 0, "last": 2}},
        {"id": "a", "source": {"clip": "a", "frame": 0}, "driving": {"clip": "b/1", "first": 4, "last": 5},
         "real": {"clip": "a", "first": 2, "last": 3}},
    ],
}  # fmt: skip
