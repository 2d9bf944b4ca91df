"""Fuzzing: a harness for each reader of what strangers send, or of what may be broken on the disk.

``python -m tests.fuzz`` searches for inputs that break a harness's properties; ``test_corpus.py`` replays those that
are kept, and needs no fuzzer.
"""
