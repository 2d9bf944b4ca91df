<%@ WebService Language="C#" Class="Weather" %>
using System;
using System.Web.Services;
using System.Xml.Serialization;

public class WeatherDescription { public short WeatherID; public string Description; public string PictureURL; }
public class Temperature { public string MorningLow; public string DaytimeHigh; }
public class Probability { public string Nighttime; public string Daytime; }
public class Forecast { public DateTime Date; public short WeatherID; public string Desciption; public Temperature Temperatures; public Probability ProbabilityOfPrecipiation; }
public class ForecastReturn { public bool Success; public string ResponseText; public string State; public string City; public Forecast[] ForecastResult; }

[WebService(Namespace = "http://ws.example.com/WeatherWS/")]
public class Weather : WebService {
    [WebMethod(Description = "Gets information for each weather identifier.")]
    public WeatherDescription[] GetWeatherInformation() { return new[] {
        new WeatherDescription { WeatherID = 1, Description = "Thunder Storms", PictureURL = "http://ws.example.com/images/thunder.gif" },
        new WeatherDescription { WeatherID = 2, Description = "Partly Cloudy" } }; }
    [WebMethod(Description = "Allows you to get your city's forecast by its ZIP code.")]
    public ForecastReturn GetCityForecastByZIP(string ZIP) {
        if (ZIP != "10001") return new ForecastReturn { Success = false, ResponseText = "Invalid ZIP" };
        return new ForecastReturn { Success = true, ResponseText = "City Found", State = "NY", City = "New York", ForecastResult = new[] {
            new Forecast { Date = new DateTime(2026, 3, 20), WeatherID = 2, Desciption = "Partly Cloudy",
                Temperatures = new Temperature { MorningLow = "46", DaytimeHigh = "61" }, ProbabilityOfPrecipiation = new Probability { Nighttime = "10", Daytime = "00" } } } }; }
    [WebMethod] public string GetWeather(string CityName, string CountryName) {
        return "<CurrentWeather><Location>" + CityName + ", " + CountryName + "</Location></CurrentWeather>"; }
}
