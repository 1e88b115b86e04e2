"""Caches of other packages, kept in a manager's sessions. Each module needs its package, and nothing else imports it."""
