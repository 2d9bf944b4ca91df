"""The ticket service ``/srv.asmx`` in Python."""
