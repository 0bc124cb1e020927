"""Load balancers with a certificate that stands for nothing."""

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment

ANNOTATIONS = ("alb.ingress.kubernetes.io/certificate-arn", "service.beta.kubernetes.io/aws-load-balancer-ssl-cert")
_ZEROS = re.compile(r":certificate/[0-]+(?:$|[,\s])")


@rule("network/placeholder-certificate", error, since="0.1.0")
def placeholder_certificate(environment: Environment) -> Iterator[Finding | NotChecked]:
    """AWS does not create a load balancer whose certificate does not exist."""
    for manifest in (*environment.of_kind("Ingress", "networking.k8s.io"), *environment.of_kind("Service", "")):
        for annotation in ANNOTATIONS:
            told = str(manifest.annotations.get(annotation, ""))
            if _ZEROS.search(told):
                yield Finding(
                    at=manifest.at(("metadata", "annotations", annotation)),
                    message=f"{manifest} has the certificate {told}, which is a placeholder",
                    fix="set the ARN of a certificate in AWS Certificate Manager, in the region of the cluster "
                    "(`modelyard feature on --value certificate-arn=ARN`)",
                )
