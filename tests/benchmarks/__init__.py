"""Measures the service beside its peers: ``python -m tests.benchmarks``. It is not part of the test suite."""
