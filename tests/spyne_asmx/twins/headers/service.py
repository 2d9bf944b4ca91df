from typing import Any

from spyne_asmx import AsmxApplication
from spyne_asmx.spyne import ComplexModel, Integer32, Service, Unicode, rpc


class AuthHeader(ComplexModel):
    UserName = Unicode
    Password = Unicode
    Level = Integer32


class TraceHeader(ComplexModel):
    Id = Unicode
    Hops = Integer32


class Headers(Service):
    @rpc(_in_header=(AuthHeader,), _returns=Unicode)
    def WhoAmI(ctx: Any) -> str:
        auth = ctx.in_header
        return "nobody" if auth is None else f"{auth.UserName or ''}/{auth.Password or ''}/{auth.Level}"

    @rpc(Integer32, _in_header=(AuthHeader, TraceHeader), _out_header=(TraceHeader,), _returns=Integer32)
    def Pass(ctx: Any, n: int) -> int:
        _, trace = ctx.in_header or (None, None)
        if trace is not None:
            trace.Hops += 1
            ctx.out_header = trace
        return n

    @rpc(Unicode, _out_header=(TraceHeader,), _returns=Unicode)
    def Stamp(ctx: Any, text: str) -> str:
        ctx.out_header = TraceHeader(Id=text, Hops=1)
        return text

    @rpc(Unicode, _returns=Unicode)
    def Open(ctx: Any, text: str) -> str:
        return text


application = AsmxApplication([Headers], "http://example.com/headers/", "Headers")
