import re

from kvcache import KVCacheManager, metrics_text
from tests.kvcache.fakes import FakeClock, one_token, small_layout

SAMPLE = re.compile(r'^(kvcache_[a-z_]+)(\{[a-z]+="[^"]+"\})? (-?[0-9.e+-]+|NaN)$')


def text_of(manager: KVCacheManager) -> str:
    return metrics_text(manager.statistics(), manager.performance())


def test_what_is_measured_can_be_scraped() -> None:
    clock, layout = FakeClock(), small_layout(2)
    manager = KVCacheManager(layout, capacity_bytes=2 * layout.block_bytes, clock=clock)
    for name in "abc":
        manager.get_or_create(name).append(one_token(layout), one_token(layout))
        clock.advance()
    lines = text_of(manager).splitlines()
    assert "kvcache_used_bytes 512" in lines
    assert 'kvcache_evictions_total{reason="lru"} 1' in lines
    assert 'kvcache_evictions_total{reason="shutdown"} 0' in lines
    assert "kvcache_requests_per_second 2.0" in lines
    assert "kvcache_append_seconds_count 3" in lines
    assert any(line.startswith('kvcache_append_seconds{quantile="0.99"} ') for line in lines)


def test_every_sample_has_a_family_and_a_form_that_is_understood() -> None:
    manager = KVCacheManager(small_layout(), capacity_bytes=4096)
    text = text_of(manager)
    assert text.endswith("\n")
    families: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in families
            families[name] = kind
        elif not line.startswith("# HELP "):
            match = SAMPLE.match(line)
            assert match, line
            name = match[1].removesuffix("_sum").removesuffix("_count")
            assert name in families
            assert (families[name] == "counter") is name.endswith("_total")


def test_what_is_not_known_yet_is_left_out() -> None:
    text = text_of(KVCacheManager(small_layout(), capacity_bytes=4096, clock=FakeClock()))
    assert "quantile" not in text
    assert "requests_per_second" not in text
    assert "kvcache_append_seconds_count 0" in text
