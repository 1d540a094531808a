"""Suites that a service inherits: what holds for every service is tested in every service."""
