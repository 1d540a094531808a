"""The business logic: what may happen, and in which transaction."""
