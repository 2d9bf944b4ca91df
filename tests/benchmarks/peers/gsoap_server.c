/* The same operation with gSOAP in C: gsoap_server PORT TICKETS. A thread for each keep-alive connection. */
#include <limits.h>
#include <pthread.h>
#include <time.h>
#include "soapH.h"
#include "srv.nsmap"

struct ticket {
  unsigned char guid[16];
  time_t expires_at;
};

static struct ticket *tickets;
static size_t ticket_count;

static int compare(const void *a, const void *b) { return memcmp(a, b, 16); }

static int digit(int c) {
  if (c >= '0' && c <= '9') return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 32 digits, with hyphens anywhere: what is no GUID is not among the tickets either. */
static int parse_guid(const char *text, unsigned char *guid) {
  int count = 0;
  while (*text == ' ' || *text == '{' || *text == '(') text++;
  for (; *text && *text != '}' && *text != ')' && *text != ' '; text++) {
    int value = digit(*text);
    if (*text == '-') continue;
    if (value < 0 || count == 32) return 0;
    guid[count / 2] = count % 2 ? guid[count / 2] | value : value << 4;
    count++;
  }
  return count == 32;
}

static char *escape(char *to, const char *from) {
  for (; *from; from++) {
    switch (*from) {
      case '&': to = stpcpy(to, "&amp;"); break;
      case '<': to = stpcpy(to, "&lt;"); break;
      case '>': to = stpcpy(to, "&gt;"); break;
      case '"': to = stpcpy(to, "&quot;"); break;
      default: *to++ = *from;
    }
  }
  *to = 0;
  return to;
}

static char *attribute(char *to, const char *name, const char *value) {
  to = stpcpy(stpcpy(stpcpy(to, " "), name), "=\"");
  return stpcpy(escape(to, value), "\"");
}

static void write_profile(char *to, time_t expires_at) {
  static const char *const profile[][2] = {
      {"success", "true"},        {"userid", "42"},           {"username", "jsmith"},           {"firstName", "John"},
      {"lastName", "Smith"}, {"fullname", "John Smith"}, {"email", "jsmith@example.com"}};
  char expire_on[32];
  struct tm broken_down;
  strftime(expire_on, sizeof expire_on, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&expires_at, &broken_down));
  to = stpcpy(to, "<root");
  for (size_t i = 0; i < sizeof profile / sizeof *profile; i++) to = attribute(to, profile[i][0], profile[i][1]);
  to = attribute(to, "expireOn", expire_on);
  to = attribute(to, "isAuthenticated", "True");
  stpcpy(to, " xmlns=\"\" />");
}

int ns__isValidTicket(struct soap *soap, char *text, struct ns__isValidTicketResponse *response) {
  unsigned char guid[16];
  struct ticket *found = NULL;
  if (text && parse_guid(text, guid)) found = bsearch(guid, tickets, ticket_count, sizeof *tickets, compare);
  response->isValidTicketResult = soap_malloc(soap, sizeof *response->isValidTicketResult);
  response->isValidTicketResult->__any = soap_malloc(soap, 1024);
  if (found && found->expires_at > time(NULL))
    write_profile(response->isValidTicketResult->__any, found->expires_at);
  else
    strcpy(response->isValidTicketResult->__any,
           "<root success=\"false\" error=\"[901] Session expired or Invalid ticket\" xmlns=\"\" />");
  return SOAP_OK;
}

static void *serve(void *argument) {
  struct soap *soap = argument;
  pthread_detach(pthread_self());
  soap_serve(soap);
  soap_destroy(soap);
  soap_end(soap);
  soap_free(soap);
  return NULL;
}

static void read_tickets(const char *file) {
  char text[64];
  double expires_at;
  size_t room = 0;
  FILE *lines = fopen(file, "r");
  if (!lines) exit(1);
  while (fscanf(lines, "%63s %lf", text, &expires_at) == 2) {
    if (ticket_count == room) tickets = realloc(tickets, (room = room ? 2 * room : 1024) * sizeof *tickets);
    if (!parse_guid(text, tickets[ticket_count].guid)) exit(1);
    tickets[ticket_count++].expires_at = (time_t)expires_at;
  }
  fclose(lines);
  qsort(tickets, ticket_count, sizeof *tickets, compare);
}

int main(int argc, char **argv) {
  struct soap soap;
  pthread_t thread;
  if (argc != 3) return 2;
  read_tickets(argv[2]);
  soap_init2(&soap, SOAP_IO_KEEPALIVE | SOAP_C_UTFSTRING, SOAP_IO_KEEPALIVE | SOAP_C_UTFSTRING);
  soap.max_keep_alive = INT_MAX;
  soap.bind_flags = SO_REUSEADDR;
  soap.recv_timeout = 60;
  if (!soap_valid_socket(soap_bind(&soap, "127.0.0.1", atoi(argv[1]), 128))) return 1;
  while (soap_valid_socket(soap_accept(&soap))) pthread_create(&thread, NULL, serve, soap_copy(&soap));
  return 1;
}
