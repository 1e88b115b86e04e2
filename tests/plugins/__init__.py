"""Other people's pytest plugins: what became of each test is told right beside them, too."""
