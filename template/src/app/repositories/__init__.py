"""How rows are found and stored."""
