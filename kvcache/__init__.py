"""The KV-cache memory pool for transformers on CPU."""
