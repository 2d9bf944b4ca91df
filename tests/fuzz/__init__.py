"""Fuzzing: a harness for each reader of input from outside, or of files that may be damaged.

``python -m tests.fuzz`` searches for inputs that break a harness's properties. ``test_corpus.py`` replays the kept
inputs, and needs no fuzzer.
"""
