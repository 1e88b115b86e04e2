"""One short function per command: the stages called in order. The architecture can be read here."""
