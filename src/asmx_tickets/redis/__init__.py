"""Access to Redis: its address, a client that all stores share, and scripts."""
