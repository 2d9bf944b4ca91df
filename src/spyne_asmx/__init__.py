"""ASP.NET ASMX for spyne: serves any spyne service the way IIS serves an ``.asmx`` file.

SOAP 1.1 and 1.2, GET and POST forms, ``?WSDL``, ``?disco``, help pages and ASMX's faults. It knows nothing of tickets.
"""

from spyne_asmx import compat as compat
from spyne_asmx.bindings import ALL_BINDINGS as ALL_BINDINGS
from spyne_asmx.bindings import Binding as Binding
from spyne_asmx.endpoint import AsmxEndpoint as AsmxEndpoint
from spyne_asmx.faults import ServiceUnavailable as ServiceUnavailable
from spyne_asmx.http import Request as Request
from spyne_asmx.http import Response as Response
from spyne_asmx.operations import may_be_left_out as may_be_left_out
from spyne_asmx.protocols import AsmxApplication as AsmxApplication
from spyne_asmx.typenames import nullable as nullable
from spyne_asmx.wsgi import WsgiApplication as WsgiApplication
from spyne_asmx.xml import Element as Element
