"""ASP.NET ASMX for spyne: serves any spyne service the way IIS serves an ``.asmx`` file.

SOAP 1.1 and 1.2, GET and POST forms, ``?WSDL``, ``?disco``, help pages and ASMX's faults::

    from spyne_asmx import AsmxApplication, AsmxEndpoint, WsgiApplication
    from spyne_asmx.spyne import Integer32, Service, rpc

    class Calculator(Service):
        @rpc(Integer32, Integer32, _returns=Integer32)
        def Add(ctx, a, b):
            return a + b

    application = AsmxApplication([Calculator], "http://example.com/calculator", "Calculator")
    endpoint = AsmxEndpoint(application, "/calculator.asmx")
    wsgi = WsgiApplication(endpoint)  # or AsgiApplication(endpoint)

An application holds spyne services, an endpoint serves it at a path, and an adapter mounts the endpoint in a server.
"""

# This import must come first: the ones below import spyne.
from spyne_asmx import compat as compat
from spyne_asmx.application import AsmxApplication as AsmxApplication
from spyne_asmx.asgi import AsgiApplication as AsgiApplication
from spyne_asmx.bindings import ALL_BINDINGS as ALL_BINDINGS
from spyne_asmx.bindings import Binding as Binding
from spyne_asmx.bindings import Decoder as Decoder
from spyne_asmx.context import AsmxContext as AsmxContext
from spyne_asmx.documentation import Pages as Pages
from spyne_asmx.endpoint import AsmxEndpoint as AsmxEndpoint
from spyne_asmx.endpoints import AsmxEndpoints as AsmxEndpoints
from spyne_asmx.faults import AsmxFault as AsmxFault
from spyne_asmx.faults import ServiceUnavailable as ServiceUnavailable
from spyne_asmx.http import HeaderMap as HeaderMap
from spyne_asmx.http import Headers as Headers
from spyne_asmx.http import Request as Request
from spyne_asmx.http import Response as Response
from spyne_asmx.http import header_text as header_text
from spyne_asmx.http import host_of_server as host_of_server
from spyne_asmx.http import text_response as text_response
from spyne_asmx.http import too_large as too_large
from spyne_asmx.limits import DEFAULT_LIMITS as DEFAULT_LIMITS
from spyne_asmx.limits import Limits as Limits
from spyne_asmx.messages import may_be_left_out as may_be_left_out
from spyne_asmx.messages import out_parameter as out_parameter
from spyne_asmx.operations import OperationTable as OperationTable
from spyne_asmx.operations import Waiting as Waiting
from spyne_asmx.samples import Example as Example
from spyne_asmx.typenames import AnyType as AnyType
from spyne_asmx.typenames import flags as flags
from spyne_asmx.typenames import nullable as nullable
from spyne_asmx.typenames import struct as struct
from spyne_asmx.wsdl import build_wsdl as build_wsdl
from spyne_asmx.wsgi import WsgiApplication as WsgiApplication
from spyne_asmx.xml import Element as Element
