"""Run the same work in four threads that take as many turns as the interpreter gives."""

import sys
import threading
from collections.abc import Callable


def run_threads(work: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=work, args=(worker,), daemon=True) for worker in range(1, 5)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # as many turns between the threads as the interpreter gives
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    finally:
        sys.setswitchinterval(interval)
    assert not any(thread.is_alive() for thread in threads)
