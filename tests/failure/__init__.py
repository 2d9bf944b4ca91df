"""What clients see while a store is out, on real processes (SECURITY 1.8)."""
