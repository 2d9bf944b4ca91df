<%@ WebService Language="C#" Class="CurrencyConvertor" %>
using System;
using System.Data;
using System.Web.Services;
using System.Web.Services.Protocols;

public enum Currency { EUR, GBP, USD }
public class Rate { public Currency From; public Currency To; public decimal Value; public DateTime? Published; }

[WebService(Namespace = "http://www.example.com/currency")]
public class CurrencyConvertor : WebService {
    [WebMethod(Description = "Get conversion rate from one currency to another currency")]
    public double ConversionRate(Currency FromCurrency, Currency ToCurrency) { return FromCurrency == ToCurrency ? 1 : FromCurrency == Currency.EUR ? 1.25 : 0.8; }
    [WebMethod] public Rate[] Rates(Currency[] currencies, DateTime? at) {
        var all = new Rate[currencies == null ? 0 : currencies.Length];
        for (var i = 0; i < all.Length; i++) all[i] = new Rate { From = currencies[i], To = Currency.USD, Value = 1.10m + i, Published = at };
        return all; }
    [WebMethod] public decimal Convert(decimal amount, string from, string to) {
        if (from == null || from.Length != 3) throw new SoapException("Unknown currency: " + from, SoapException.ClientFaultCode);
        return amount * 1.10m; }
}
