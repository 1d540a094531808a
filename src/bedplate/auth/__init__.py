"""Passwords, keys, tokens and sessions; import by module, each needs only its own extras."""
