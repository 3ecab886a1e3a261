"""What packages for content codings are installed changes nothing of what is received."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pytest

CODECS: Final = ("brotli", "brotlicffi", "zstandard", "backports.zstd", "compression.zstd")
PROGRAM: Final = """
import sys
for name in {blocked!r}:
    sys.modules[name] = None
from tests.contract.subjects import missing, subjects
from stablehttp.testing.contract import rules, run
chosen = [rule for rule in rules() if rule.id == "no content is decoded"]
for subject in subjects():
    if missing(subject.name, subject.colour) is None:
        for result in run(subject, chosen):
            print(subject, result.outcome, result.broken or "", sep="|")
"""


@pytest.mark.timeout(120)
@pytest.mark.parametrize("blocked", [(), CODECS], ids=["with the packages that are installed", "without any"])
def test_content_arrives_as_on_the_wire_whatever_codec_packages_there_are(blocked: tuple[str, ...]) -> None:
    """U-D2: some clients look for such packages when they are imported, and then ask and decode by themselves."""
    if not blocked and find_spec("brotli") is None and find_spec("zstandard") is None:
        pytest.skip("neither brotli nor zstandard is installed")

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM.format(blocked=blocked)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )

    outcomes = [line.split("|") for line in done.stdout.splitlines()]
    assert len(outcomes) >= 2, done.stderr
    assert [found for found in outcomes if found[1] != "proved"] == []
