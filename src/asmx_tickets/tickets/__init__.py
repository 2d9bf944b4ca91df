"""Tickets: what one is, and where the live ones are kept."""

from asmx_tickets.tickets.cache import TicketCache as TicketCache
from asmx_tickets.tickets.cache import TicketRules as TicketRules
from asmx_tickets.tickets.cache import TicketSummary as TicketSummary
from asmx_tickets.tickets.ticket import Origin as Origin
from asmx_tickets.tickets.ticket import Ticket as Ticket
from asmx_tickets.tickets.ticket import digest as digest
from asmx_tickets.tickets.ticket import format_guid as format_guid
from asmx_tickets.tickets.ticket import new_guid as new_guid
from asmx_tickets.tickets.ticket import parse_guid as parse_guid
from asmx_tickets.tickets.ticket import short_hash as short_hash
