"""ASP.NET ASMX for spyne: serves any spyne service the way IIS serves an ``.asmx`` file.

SOAP 1.1 and 1.2, GET and POST forms, ``?WSDL``, ``?disco``, help pages and ASMX's faults. It knows nothing of tickets.
"""

from asmx_tickets import spyne_compat as spyne_compat
from asmx_tickets.asmx.bindings import ALL_BINDINGS as ALL_BINDINGS
from asmx_tickets.asmx.bindings import Binding as Binding
from asmx_tickets.asmx.endpoint import AsmxEndpoint as AsmxEndpoint
from asmx_tickets.asmx.faults import ServiceUnavailable as ServiceUnavailable
from asmx_tickets.asmx.http import Request as Request
from asmx_tickets.asmx.http import Response as Response
from asmx_tickets.asmx.operations import may_be_left_out as may_be_left_out
from asmx_tickets.asmx.protocols import AsmxApplication as AsmxApplication
from asmx_tickets.asmx.typenames import nullable as nullable
from asmx_tickets.asmx.wsgi import WsgiApplication as WsgiApplication
from asmx_tickets.asmx.xml import Element as Element
