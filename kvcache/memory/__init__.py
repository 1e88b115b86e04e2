"""Bytes and free space: the arena owns bytes, the allocator owns free space, and a pool joins the two."""
