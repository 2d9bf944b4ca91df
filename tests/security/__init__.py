"""What must hold against attackers: a test for each requirement, named by its id (A1, B3, X7 …)."""
