from typing import Any

from spyne_asmx import AsmxApplication, nullable
from spyne_asmx.spyne import Array, ComplexModel, DateTime, Decimal, Integer32, Service, Unicode, rpc


class Point(ComplexModel):
    X = Integer32
    Y = Integer32


class Cell(ComplexModel):
    Text = Unicode


class Grid(ComplexModel):
    Plain = Array(Integer32)
    Loose = Integer32(max_occurs="unbounded")
    Names = Array(Unicode, member_name="Name")
    Points = Array(Point)
    Rows = Array(Array(Cell))
    Holes = Array(nullable(Integer32))
    Corner = Point.customize(max_occurs="unbounded")


class Arrays(Service):
    @rpc(Array(Integer32), _returns=Array(Integer32))
    def Sort(ctx: Any, numbers: list[int] | None) -> list[int] | None:
        return None if numbers is None else sorted(numbers)

    @rpc(Array(Unicode), _returns=Array(Unicode))
    def Words(ctx: Any, words: Any) -> Any:
        return words

    @rpc(Array(Point), _returns=Array(Point))
    def Points(ctx: Any, points: Any) -> Any:
        return points

    @rpc(Array(Array(Integer32)), _returns=Array(Array(Integer32)))
    def Matrix(ctx: Any, rows: Any) -> Any:
        return rows

    @rpc(Grid, _returns=Grid)
    def Same(ctx: Any, grid: Any) -> Any:
        return grid

    @rpc(
        Unicode(max_occurs="unbounded"),
        _in_variable_names={"words": "Word"},
        _returns=Unicode(max_occurs="unbounded"),
        _out_variable_name="Item",
    )
    def Loose(ctx: Any, words: Any) -> Any:
        return words

    @rpc(
        Array(Decimal, member_name="Amount"),
        _in_variable_names={"amounts": "List"},
        _returns=Array(Decimal, member_name="Price"),
    )
    def Prices(ctx: Any, amounts: Any) -> Any:
        return amounts

    @rpc(Array(nullable(Integer32)), _returns=Array(nullable(Integer32)))
    def Holes(ctx: Any, numbers: Any) -> Any:
        return numbers

    @rpc(_returns=Array(Unicode))
    def Nothing(ctx: Any) -> None:
        return None

    @rpc(_returns=Array(Unicode))
    def Gaps(ctx: Any) -> list[str | None]:
        return ["a", None, ""]

    @rpc(Array(DateTime), _returns=Array(DateTime))
    def Days(ctx: Any, days: Any) -> Any:
        return days


application = AsmxApplication([Arrays], "http://example.com/arrays/", "Arrays")
