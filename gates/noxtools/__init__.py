"""Helpers for noxfiles: interpreters, lock files, clean exports, and an honest "could not run".

Standard library only, and `packaging`: a noxfile runs in the environment of nox, which depends on `packaging` and has
none of our other dependencies.
"""
