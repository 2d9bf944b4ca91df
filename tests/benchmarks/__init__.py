"""Measures the service beside its peers: ``python -m tests.benchmarks``. Not part of the test suite."""
