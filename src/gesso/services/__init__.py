"""The use cases: the only code that decides."""
