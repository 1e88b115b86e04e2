"""Suggest a first checklist for a project from the files in its folder, without starting or writing anything."""
