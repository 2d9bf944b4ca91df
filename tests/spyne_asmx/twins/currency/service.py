from datetime import datetime
from decimal import Decimal as Number
from typing import Any

from spyne_asmx import AsmxApplication, nullable
from spyne_asmx.spyne import Array, ComplexModel, DateTime, Decimal, Double, Enum, Fault, Service, Unicode, rpc

Currency = Enum("EUR", "GBP", "USD", type_name="Currency")


class Rate(ComplexModel):
    From = Currency
    To = Currency
    Value = Decimal
    Published = nullable(DateTime)


class CurrencyConvertor(Service):
    @rpc(Currency, Currency, _returns=Double)
    def ConversionRate(ctx: Any, FromCurrency: Any, ToCurrency: Any) -> float:
        """Get conversion rate from one currency to another currency"""
        if FromCurrency == ToCurrency:
            return 1
        return 1.25 if FromCurrency == Currency.EUR else 0.8

    @rpc(Array(Currency), nullable(DateTime), _returns=Array(Rate))
    def Rates(ctx: Any, currencies: list[Any] | None, at: datetime | None) -> list[Rate]:
        return [
            Rate(From=currency, To=Currency.USD, Value=Number("1.10") + place, Published=at)
            for place, currency in enumerate(currencies or ())
        ]

    @rpc(Decimal, Unicode, Unicode, _in_variable_names={"from_": "from"}, _returns=Decimal)
    def Convert(ctx: Any, amount: Number, from_: str | None, to: str) -> Number:
        if from_ is None or len(from_) != 3:
            raise Fault("Client", f"Unknown currency: {from_}")
        return amount * Number("1.10")


application = AsmxApplication([CurrencyConvertor], "http://www.example.com/currency", "CurrencyConvertor")
