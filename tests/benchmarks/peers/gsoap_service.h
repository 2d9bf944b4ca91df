//gsoap ns service name: srv
//gsoap ns service namespace: http://tempuri.org/
//gsoap ns service encoding: literal
//gsoap ns service method-action: isValidTicket "http://tempuri.org/isValidTicket"
//gsoap ns schema namespace: http://tempuri.org/
//gsoap ns schema form: qualified
struct ns__result { _XML __any; };
struct ns__isValidTicketResponse { struct ns__result *isValidTicketResult; };
int ns__isValidTicket(char *AuthenticationTicket, struct ns__isValidTicketResponse *response);
