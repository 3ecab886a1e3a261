"""Writing an adapter: what stands between a completed request and one HTTP client.

An adapter converts once, sends, and wraps.  It takes content from `AsyncOutgoing` or `SyncOutgoing`,
gives content back as an `AsyncReceivedBody` or `SyncReceivedBody`, turns received lines into a
section with `receive_fields` or `borrow`, and raises errors of this library only.
"""

from __future__ import annotations

from stablehttp._body import AsyncBody as AsyncBody
from stablehttp._body import Body as Body
from stablehttp._body import BytesBody as BytesBody
from stablehttp._body import SyncBody as SyncBody
from stablehttp._connectors import AsyncConnector as AsyncConnector
from stablehttp._connectors import Capabilities as Capabilities
from stablehttp._connectors import Limits as Limits
from stablehttp._connectors import SyncConnector as SyncConnector
from stablehttp._connectors import refuse as refuse
from stablehttp._errors import Answer as Answer
from stablehttp._errors import cause_for as cause_for
from stablehttp._exchange import Duplex as Duplex
from stablehttp._field_value import FieldLine as FieldLine
from stablehttp._field_value import fold as fold
from stablehttp._field_value import receive_line as receive_line
from stablehttp._field_value import receive_value as receive_value
from stablehttp._fields import adopt as adopt
from stablehttp._fields import borrow as borrow
from stablehttp._fields import holds_opaque_values as holds_opaque_values
from stablehttp._message import has_trailers as has_trailers
from stablehttp._outgoing import AsyncOutgoing as AsyncOutgoing
from stablehttp._outgoing import SyncOutgoing as SyncOutgoing
from stablehttp._outgoing import check_async as check_async
from stablehttp._outgoing import check_sync as check_sync
from stablehttp._outgoing import declared_length as declared_length
from stablehttp._pool import AsyncPool as AsyncPool
from stablehttp._pool import Lease as Lease
from stablehttp._pool import SyncPool as SyncPool
from stablehttp._received import AsyncReceivedBody as AsyncReceivedBody
from stablehttp._received import AsyncSource as AsyncSource
from stablehttp._received import SyncReceivedBody as SyncReceivedBody
from stablehttp._received import SyncSource as SyncSource
from stablehttp._received import received_length as received_length
from stablehttp._received import warn_dropped as warn_dropped
from stablehttp._received_fields import receive_fields as receive_fields
