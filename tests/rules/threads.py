"""Threads for probes: source text that stands in front of them."""

TOGETHER = """
import importlib, sys, threading
def together(works, timeout=50):
    barrier = threading.Barrier(len(works))
    results = [None] * len(works)
    def run(index, work):
        barrier.wait()
        try:
            results[index] = work()
        except BaseException as error:
            results[index] = repr(error)
    threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout)
    assert not any(thread.is_alive() for thread in threads), "deadlock"
    return results
"""
