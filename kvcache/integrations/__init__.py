"""Caches of other packages, kept in sessions or in a pool. The module of a package needs it, and nothing else imports that module."""
