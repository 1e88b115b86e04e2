"""The corpus of lies: ways in which a run can look green and is not, and what each tool says of them."""
