"""The content of a subject's folder, as git sees it or, without git, from its files."""
