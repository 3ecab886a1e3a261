"""The floors of the house: each module may import from lower ones only.

The documentation draws this table; a new module joins one of its floors.
"""

from __future__ import annotations

from typing import Final

FLOORS: Final = (
    ("_errors", "_capability", "_grammar", "_redaction", "_lazy_names"),
    (
        "_http_version",
        "_field_value",
        "_field_syntax",
        "_extensions",
        "_reference",
        "_uri_parts",
        "_settings",
        "_content",
        "_counter",
        "_client_package",
    ),
    (
        "_field_lines",
        "_status_line",
        "_uri",
        "_pool",
        "signers",
        "framing",
        "_streams",
        "_readers",
        "_pushed",
        "_sinks",
        "_requirements",
        "_operation",
    ),
    ("_fields", "_files", "_pouring", "_makers", "_protocol_versions", "_signed_events"),
    ("_body", "_reading", "_received_fields"),
    ("_received", "_message", "_forms", "_taps", "_aws_chunked"),
    ("_response", "_editor", "_computed_trailers", "_exchange_content"),
    (
        "_completion",
        "_informational",
        "_interception",
        "_signing",
        "_outgoing",
        "_exchange",
        "_snapshot",
        "_content_coding",
        "_sunk",
        "_frames",
        "_server_sent_events",
        "_event_reading",
    ),
    ("_connectors", "_call_options", "_event_streams"),
    ("_support", "_held_connectors", "_demand"),
    ("_selection",),
    ("_connector_cache",),
    ("_call", "_leases"),
    ("_pipeline",),
    ("connect",),
)

DOORS: Final = ("__init__", "adapting", "testing", "__main__", "_cli")
"""Not on a floor: they only re-export, or are users of the house."""

PRIVATE_DEPENDENCIES: Final = {"yarl": {"_uri"}}
"""Packages that the core hides, and the only modules that may know of each."""

FLOOR_OF: Final = {module: number for number, modules in enumerate(FLOORS) for module in modules}
