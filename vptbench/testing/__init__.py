"""Conformance checks that any package may call in its own tests, one file for each kind of extension."""
