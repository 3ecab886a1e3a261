"""What can go wrong with a call beside what its server says.

Floor 14: stands on the framing.
"""

from __future__ import annotations

from stablehttp._errors import Answer, TotalTimeoutError
from stablehttp.framing import ConnectCallError, ConnectCode


class ConnectDeadlineError(TotalTimeoutError, ConnectCallError):
    """The time of the call ran out here, before its server had ended it; `seconds` is that time.

    A server that notices first ends the call itself, with the same `code`.
    """

    sent: Answer = "maybe"
    processed: Answer = "maybe"
    code: ConnectCode = ConnectCode.DEADLINE_EXCEEDED
