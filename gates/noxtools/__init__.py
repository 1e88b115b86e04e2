"""Helpers for noxfiles: interpreters, lock files, clean exports, and an honest "could not run".

Standard library only: a noxfile runs in the environment of nox, which has none of our dependencies.
"""
