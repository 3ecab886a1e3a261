"""The command `stablehttp`."""

from __future__ import annotations

import sys

from stablehttp._cli import main

if __name__ == "__main__":
    sys.exit(main())
