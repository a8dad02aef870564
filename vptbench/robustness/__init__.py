"""What noisy poses do to a model: corrupted stores, sweeps over them, and where a model breaks."""
