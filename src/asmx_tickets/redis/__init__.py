"""The way to Redis: its address, one client for whoever needs it, and scripts."""
