"""One short function per command, which calls the stages in order. Read the architecture here."""
