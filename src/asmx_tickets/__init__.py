"""The ticket service ``/srv.asmx`` in Python, and ASP.NET ASMX for any spyne service."""

from spyne_asmx import compat as compat
