"""The parts of the composition root: what each object is built of, by the settings."""
