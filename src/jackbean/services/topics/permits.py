"""Whether a queue takes what a topic sends to it: its own policy says so, as on AWS."""

from __future__ import annotations

from jackbean.core.errors import Fault
from jackbean.core.policies import Caller, Effect, judge

SERVICE = "sns.amazonaws.com"
BARRED = "AccessDenied"
ACTION = "sqs:SendMessage"


def check(policy: str, queue: str, topic: str, account: str) -> None:
    """Raise the Fault BARRED unless the policy of a queue lets a topic send; both are ARNs."""
    context = {
        "aws:SourceArn": topic,
        "aws:SourceAccount": account,
        "aws:SecureTransport": "true",
    }
    said = judge(policy, Caller((SERVICE,), context), ACTION, queue)
    if said.effect is Effect.ALLOW:
        return
    if said.effect is Effect.DENY:
        why = "its policy denies it"
    else:
        why = "its policy does not allow it" if policy else "it has no policy"
    strange = f" ({', '.join(said.unjudged)} cannot be judged here)" if said.unjudged else ""
    raise Fault(
        BARRED,
        f"{queue} takes nothing from {topic}: {why}{strange}. "
        f"Allow {ACTION} to {SERVICE} with aws:SourceArn {topic} (AWS::SQS::QueuePolicy).",
    )
