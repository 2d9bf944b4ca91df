from typing import Any

from spyne_asmx import AsmxApplication, nullable
from spyne_asmx.spyne import Array, Boolean, ComplexModel, Integer32, Service, Unicode, rpc


class Pair(ComplexModel):
    First = Integer32
    Second = Unicode


class Outs(Service):
    @rpc(Unicode, _returns=(Boolean, Integer32), _out_variable_names=("TryGetResult", "code"))
    def TryGet(ctx: Any, key: str) -> tuple[bool, int]:
        return (True, 7) if key == "a" else (False, 0)

    @rpc(Unicode, _returns=(Unicode, Array(Unicode)), _out_variable_names=("head", "tail"))
    def Split(ctx: Any, text: str) -> tuple[str, list[str] | None]:
        words = text.split()
        return words[0], words if len(words) > 1 else None

    @rpc(
        Integer32,
        Integer32,
        _returns=(Integer32, Integer32, Integer32),
        _out_variable_names=("SwapResult", "a", "b"),
    )
    def Swap(ctx: Any, a: int, b: int) -> tuple[int, int, int]:
        return b - a, b, a

    @rpc(
        Integer32,
        _returns=(Pair, Pair, nullable(Integer32)),
        _out_variable_names=("DescribeResult", "other", "half"),
    )
    def Describe(ctx: Any, n: int) -> tuple[Pair, Pair | None, int | None]:
        other = Pair(First=-n, Second="other") if n else None
        return Pair(First=n, Second="one"), other, n // 2 if n % 2 == 0 else None

    @rpc(
        Integer32,
        Integer32,
        Integer32,
        _in_message_name="AddThree",
        _returns=Integer32,
    )
    def Add(ctx: Any, a: int, b: int, c: int) -> int:
        return a + b + c

    @rpc(
        Integer32,
        Integer32,
        _returns=Integer32,
    )
    def AddTwo(ctx: Any, a: int, b: int) -> int:
        """Adds two numbers."""
        return a + b


application = AsmxApplication([Outs], "http://example.com/outs/", "Outs")
