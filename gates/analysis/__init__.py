"""What a git change, the import graph and CODEOWNERS say about the tests of a project."""
