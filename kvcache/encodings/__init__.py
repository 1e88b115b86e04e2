"""Smaller types for keys and values: how float32 numbers become what is stored, and come back."""
