"""A service small enough to be started in a test."""
