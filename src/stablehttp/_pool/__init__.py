"""A small connection pool, in both colours, for clients that have none.

Floor 2: stands on errors.

A connection serves one exchange at a time.  The pool knows nothing of protocols: it is told how to
make a connection, how to see that an idle one can still be used, and how to close one.
"""

from __future__ import annotations

from stablehttp._pool._async_pool import AsyncPool as AsyncPool
from stablehttp._pool._shelf import Lease as Lease
from stablehttp._pool._sync_pool import SyncPool as SyncPool
