"""What clients see while a store is out or a process is killed: real servers and stores (SECURITY 1.8)."""
