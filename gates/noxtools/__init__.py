"""Helpers for noxfiles: interpreters, lock files, clean exports, and an honest "could not run".

Only the standard library and `packaging`: a noxfile runs in the environment of nox, which depends on `packaging` and has
none of gates' other dependencies.
"""
