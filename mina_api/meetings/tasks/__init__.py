"""A meeting's action items."""
