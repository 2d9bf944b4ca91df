"""The audit log: one line of JSON for everything that gives, refuses or ends access (SECURITY L8).

The line of a new ticket is written before the ticket is made, so none is made while the log is full, gone or stuck
(SECURITY R4); refusals and logouts go on. Nothing in it is a secret: tickets are short hashes.

============  ==========================================================================
``record``    what happened to whom, and how that is written
``log``       the interface, and where a record goes
``file``      files, set aside by size and age
``stream``    standard output
``merging``   equal lines as one with a count
============  ==========================================================================
"""

from asmx_tickets.audit.file import AuditFile
from asmx_tickets.audit.log import AuditLog, CooperativeAudit, NoAudit, OuterAudit, SplitAudit
from asmx_tickets.audit.merging import MergingAudit
from asmx_tickets.audit.record import Caller, Event, Record, written
from asmx_tickets.audit.stream import AuditStream

__all__ = [
    "AuditFile",
    "AuditLog",
    "AuditStream",
    "Caller",
    "CooperativeAudit",
    "Event",
    "MergingAudit",
    "NoAudit",
    "OuterAudit",
    "Record",
    "SplitAudit",
    "written",
]
