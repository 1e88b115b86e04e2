"""JUnit XML: write the file of gates, read files from any runner."""
