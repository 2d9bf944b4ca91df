"""argon2 and nothing else: ``python -m tests.benchmarks.argon2_alone SECONDS`` prints verifications a second.

One thread a core, each at the priority that the service's login threads have, with the service's parameters.
"""

import os
import sys
import threading
import time

import argon2

from asmx_tickets.users.hash_parameters import HashParameters
from tests.support.service import PASSWORD

_NICE = 10


def rate(seconds: float) -> float:
    """Verifications a second on all cores together."""
    cost = HashParameters()
    hasher = argon2.PasswordHasher(cost.iterations, cost.memory_kib, cost.parallelism)
    stored = hasher.hash(PASSWORD)
    counts: list[int] = []
    began = time.perf_counter()

    def work() -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        done = 0
        while time.perf_counter() - began < seconds:
            hasher.verify(stored, PASSWORD)
            done += 1
        counts.append(done)

    threads = [threading.Thread(target=work) for _ in range(os.cpu_count() or 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - began)


if __name__ == "__main__":
    print(rate(float(sys.argv[1])))
