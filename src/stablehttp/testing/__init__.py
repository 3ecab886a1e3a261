"""Testing what is built on stablehttp, without patching and without a network.

`AsyncMemoryConnector` and `SyncMemoryConnector` answer from rules.  `Origin` is a loopback server that
records every octet.  `stablehttp.testing.contract` holds the rules that every connector keeps, for those
who write one.
"""

from __future__ import annotations

from stablehttp.testing._memory import AsyncMemoryConnector as AsyncMemoryConnector
from stablehttp.testing._memory import Recorded as Recorded
from stablehttp.testing._memory import SyncMemoryConnector as SyncMemoryConnector
from stablehttp.testing._memory_content import Pieces as Pieces
from stablehttp.testing._memory_rules import Early as Early
from stablehttp.testing._memory_rules import Rule as Rule
from stablehttp.testing._memory_rules import UnmatchedRequestError as UnmatchedRequestError
from stablehttp.testing._memory_rules import UnusedRuleError as UnusedRuleError
from stablehttp.testing._origin import Origin as Origin
from stablehttp.testing._origin_log import Connection as Connection
from stablehttp.testing._origin_log import Received as Received
from stablehttp.testing._origin_ports import refusing_authority as refusing_authority
from stablehttp.testing._origin_ports import silent_authority as silent_authority
from stablehttp.testing._origin_proxy import RecordingProxy as RecordingProxy
from stablehttp.testing._origin_script import Answer as Answer
from stablehttp.testing._origin_script import Close as Close
from stablehttp.testing._origin_script import Echo as Echo
from stablehttp.testing._origin_script import Fault as Fault
from stablehttp.testing._origin_script import Gate as Gate
from stablehttp.testing._origin_script import GoAway as GoAway
from stablehttp.testing._origin_script import Hang as Hang
from stablehttp.testing._origin_script import Informational as Informational
from stablehttp.testing._origin_script import OnHead as OnHead
from stablehttp.testing._origin_script import Pause as Pause
from stablehttp.testing._origin_script import Reset as Reset
from stablehttp.testing._origin_script import ResetStream as ResetStream
from stablehttp.testing._origin_script import generated as generated
from stablehttp.testing._origin_tls import TLS as TLS
