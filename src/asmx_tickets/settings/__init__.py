"""The settings: every key with its type, default and meaning, once; and where their values come from."""
