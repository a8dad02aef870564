"""Baselines and audits: what every model is measured against. They see what any outside model would."""
