from typing import Any

from spyne_asmx import AsmxApplication
from spyne_asmx.spyne import Integer32, Service, rpc


class Calculator(Service):
    """Four operations on whole numbers."""

    @rpc(Integer32, Integer32, _returns=Integer32)
    def Add(ctx: Any, intA: int, intB: int) -> int:
        """Adds two integers."""
        return intA + intB

    @rpc(Integer32, Integer32, _returns=Integer32)
    def Subtract(ctx: Any, intA: int, intB: int) -> int:
        return intA - intB

    @rpc(Integer32, Integer32, _returns=Integer32)
    def Multiply(ctx: Any, intA: int, intB: int) -> int:
        return intA * intB

    @rpc(Integer32, Integer32, _returns=Integer32)
    def Divide(ctx: Any, intA: int, intB: int) -> int:
        return int(intA / intB)


application = AsmxApplication([Calculator], "http://tempuri.org/", "Calculator")
