"""Small faults in production code: which ones are worth trying, and what each looks like. Reads text; runs nothing."""
