"""A first checklist for a project, from what lies in its folder. Nothing is started, and nothing is written."""
