"""What gesso serves: one folder per Model, a declaration and an Engine each."""
