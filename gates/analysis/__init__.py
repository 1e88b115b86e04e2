"""What git changes, the import graph and CODEOWNERS show about the tests of a project."""
