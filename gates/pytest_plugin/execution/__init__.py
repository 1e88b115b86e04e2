"""How a test is run: retries, stress, time limits, resources, scripts, leaks."""
