"""Who may try a password now, and who has guessed too often (SECURITY 1.2).

=================  =================================================================================
``rules``          how many failures, how long the wait: per account, per address, overall
``throttle``       the interface every back-end has, and its values
``guarding``       one attempt from admission to outcome, as a ``with`` block
``records``        the failures of an account or an address, and the resulting waits
``memory``         the back-end for one process
``redis``          the back-end for all nodes on one Redis; ``lua/common.lua`` is ``records`` once more
=================  =================================================================================
"""

from asmx_tickets.throttling.memory import MemoryThrottle as MemoryThrottle
from asmx_tickets.throttling.rules import LOGINS as LOGINS
from asmx_tickets.throttling.rules import TRUSTED_PASSWORDS as TRUSTED_PASSWORDS
from asmx_tickets.throttling.rules import AccountRule as AccountRule
from asmx_tickets.throttling.rules import AddressRule as AddressRule
from asmx_tickets.throttling.rules import AlarmRule as AlarmRule
from asmx_tickets.throttling.rules import ThrottleRules as ThrottleRules
from asmx_tickets.throttling.rules import network_of as network_of
from asmx_tickets.throttling.throttle import Admission as Admission
from asmx_tickets.throttling.throttle import Attempt as Attempt
from asmx_tickets.throttling.throttle import Failures as Failures
from asmx_tickets.throttling.throttle import Throttle as Throttle
from asmx_tickets.throttling.throttle import Throttled as Throttled
