from datetime import datetime
from typing import Any

from spyne_asmx import AsmxApplication
from spyne_asmx.spyne import Array, Boolean, ComplexModel, DateTime, Integer16, Service, Unicode, rpc


class WeatherDescription(ComplexModel):
    WeatherID = Integer16
    Description = Unicode
    PictureURL = Unicode


class Temperature(ComplexModel):
    MorningLow = Unicode
    DaytimeHigh = Unicode


class Probability(ComplexModel):
    Nighttime = Unicode
    Daytime = Unicode


class Forecast(ComplexModel):
    Date = DateTime
    WeatherID = Integer16
    Desciption = Unicode
    Temperatures = Temperature
    ProbabilityOfPrecipiation = Probability


class ForecastReturn(ComplexModel):
    Success = Boolean
    ResponseText = Unicode
    State = Unicode
    City = Unicode
    ForecastResult = Array(Forecast)


class Weather(Service):
    @rpc(_returns=Array(WeatherDescription))
    def GetWeatherInformation(ctx: Any) -> list[WeatherDescription]:
        """Gets information for each weather identifier."""
        return [
            WeatherDescription(
                WeatherID=1, Description="Thunder Storms", PictureURL="http://ws.example.com/images/thunder.gif"
            ),
            WeatherDescription(WeatherID=2, Description="Partly Cloudy"),
        ]

    @rpc(Unicode, _returns=ForecastReturn)
    def GetCityForecastByZIP(ctx: Any, ZIP: str) -> ForecastReturn:
        """Allows you to get your city's forecast by its ZIP code."""
        if ZIP != "10001":
            return ForecastReturn(Success=False, ResponseText="Invalid ZIP")
        day = Forecast(
            Date=datetime(2026, 3, 20),  # noqa: DTZ001 -- without a zone, as the service has it
            WeatherID=2,
            Desciption="Partly Cloudy",
            Temperatures=Temperature(MorningLow="46", DaytimeHigh="61"),
            ProbabilityOfPrecipiation=Probability(Nighttime="10", Daytime="00"),
        )
        return ForecastReturn(
            Success=True, ResponseText="City Found", State="NY", City="New York", ForecastResult=[day]
        )

    @rpc(Unicode, Unicode, _returns=Unicode)
    def GetWeather(ctx: Any, CityName: str, CountryName: str) -> str:
        return f"<CurrentWeather><Location>{CityName}, {CountryName}</Location></CurrentWeather>"


application = AsmxApplication([Weather], "http://ws.example.com/WeatherWS/", "Weather")
