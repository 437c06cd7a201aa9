"""Whether the policy of a bucket or a function lets another AWS service use it.

A service has no identity policy, so only an Allow in the resource's own policy lets it in, whether or not the cloud
checks the signatures of its clients (`auth`). The evaluation is MiniStack's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lab.aws.ministack import ministack


@dataclass(frozen=True)
class ServiceCaller:
    """A service that acts for a resource of an account.

    Attributes:
        principal: for example `voiceconnector.chime.amazonaws.com`.
        source_arn: the resource for which it acts; policies see it as `aws:SourceArn`.
    """

    principal: str
    account: str
    region: str
    source_arn: str

    def may(self, action: str, resource: str, policy: str | dict[str, Any] | None) -> bool:
        """Whether this policy of `resource` (an ARN) allows the action."""
        evaluator = ministack("core.iam_evaluator")
        keys = {
            "aws:sourceaccount": self.account,
            "aws:sourcearn": self.source_arn,
            "aws:principalservicename": self.principal,
            "aws:principalisawsservice": "true",
        }
        context = evaluator.EvalContext(
            principal_arn="*",
            principal_type="Service",
            principal_account="",
            action=action,
            resource_arn=resource,
            region=self.region,
            secure_transport=True,
            service_context=keys,
        )
        return bool(evaluator.evaluate_resource_policy(policy, context, service=self.principal).decision == "Allow")

    def may_use_object(self, action: str, bucket: str, key: str) -> bool:
        """Whether the bucket's policy allows this S3 action on the object. False: also if there is no bucket."""
        ministack("core.responses").set_request_account_id(self.account)
        resource = f"arn:aws:s3:::{bucket}/{key}"
        found = ministack("services.s3").bucket_policy_for_arn(resource)
        return found is not None and self.may(action, resource, found[0])
