"""All subjects, in the order in which they are measured."""

from __future__ import annotations

from benchmarks import (
    checklist,
    comparing,
    filters,
    junit,
    kvcache_allocator,
    kvcache_bytes,
    kvcache_designs,
    kvcache_models,
    kvcache_prefixes,
    kvcache_sessions,
    kvcache_sharing,
    kvcache_types,
    listing,
    masking,
    parsing,
    plugin,
    runner,
    running,
    startup,
    workers,
)

SUBJECTS = (
    startup.SUBJECT,
    plugin.SUBJECT,
    filters.SUBJECT,
    parsing.SUBJECT,
    listing.SUBJECT,
    masking.SUBJECT,
    junit.SUBJECT,
    runner.SUBJECT,
    running.SUBJECT,
    workers.SUBJECT,
    checklist.SUBJECT,
    comparing.SUBJECT,
    kvcache_allocator.SUBJECT,
    kvcache_bytes.SUBJECT,
    kvcache_designs.SUBJECT,
    kvcache_models.SUBJECT,
    kvcache_prefixes.SUBJECT,
    kvcache_sessions.SUBJECT,
    kvcache_sharing.SUBJECT,
    kvcache_types.SUBJECT,
)
