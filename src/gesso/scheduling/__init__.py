"""Which Task runs where, now."""
