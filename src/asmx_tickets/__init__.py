"""The ticket service ``/srv.asmx`` in Python, and ASP.NET ASMX for any spyne service."""

from asmx_tickets import spyne_compat as spyne_compat
