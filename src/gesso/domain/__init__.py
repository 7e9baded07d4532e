"""Pure facts and rules: no I/O, no await, no logging, no imports from the rest of gesso."""
