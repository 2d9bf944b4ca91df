"""The rules: who may log in, what a ticket is good for, and how a refusal is worded."""
