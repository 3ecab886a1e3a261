"""The contract: what every connector does, as rules about the octets that an origin receives.

For those who write a transport.  Say how to make yours, and check it:

    subject = Subject("mine", lambda settings, versions: MyConnector(settings, versions))
    for result in run(subject):
        print(result.outcome, result.rule, result.broken or "")

Or with pytest, one test for each rule:

    @pytest.mark.parametrize("rule", rules_for(subject), ids=str)
    async def test_my_connector_keeps_the_contract(rule):
        await check(rule, subject)

A capability that a connector declares is proved; what it does not declare it has to refuse before the
origin sees an octet of the request.
"""

from __future__ import annotations

from stablehttp.testing.contract._bench import Bench as Bench
from stablehttp.testing.contract._bench import Loan as Loan
from stablehttp.testing.contract._bench import Make as Make
from stablehttp.testing.contract._bench import Subject as Subject
from stablehttp.testing.contract._driver import Driver as Driver
from stablehttp.testing.contract._driver import Reply as Reply
from stablehttp.testing.contract._rule import BrokenRuleError as BrokenRuleError
from stablehttp.testing.contract._rule import Rule as Rule
from stablehttp.testing.contract._runner import Result as Result
from stablehttp.testing.contract._runner import check as check
from stablehttp.testing.contract._runner import rules as rules
from stablehttp.testing.contract._runner import rules_for as rules_for
from stablehttp.testing.contract._runner import run as run
from stablehttp.testing.contract._source import Signal as Signal
from stablehttp.testing.contract._source import Source as Source
