"""Load balancers with a certificate that stands for nothing."""

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, LineAddress

ANNOTATIONS = ("alb.ingress.kubernetes.io/certificate-arn", "service.beta.kubernetes.io/aws-load-balancer-ssl-cert")
_REGION = re.compile(r"arn:aws[a-z-]*:acm:([a-z0-9-]+):")
_ZEROS = re.compile(r":certificate/[0-]+(?:$|[,\s])")


@rule("network/placeholder-certificate", error, since="0.1.0")
def placeholder_certificate(environment: Environment) -> Iterator[Finding | NotChecked]:
    """AWS does not create a load balancer whose certificate does not exist."""
    yield from _in_values(environment)
    for manifest in (*environment.of_kind("Ingress", "networking.k8s.io"), *environment.of_kind("Service", "")):
        for annotation in ANNOTATIONS:
            told = str(manifest.annotations.get(annotation, ""))
            region = environment.facts.get("region")
            other = [each for each in _REGION.findall(told) if isinstance(region, str) and each != region]
            if other:
                yield Finding(
                    at=manifest.at(("metadata", "annotations", annotation)),
                    message=f"{manifest} has a certificate of {other[0]}, and a load balancer in {region} takes those "
                    "of its own region",
                    fix=f"set the ARN of a certificate in {region}",
                )
            elif _ZEROS.search(told):
                yield Finding(
                    at=manifest.at(("metadata", "annotations", annotation)),
                    message=f"{manifest} has the certificate {told}, which is a placeholder",
                    fix="set the ARN of a certificate in AWS Certificate Manager, in the region of the cluster "
                    "(`modelyard feature on --value certificate-arn=ARN`)",
                )


def _in_values(environment: Environment) -> Iterator[Finding]:
    """Yield certificates of another region that value files of the environment give to Services and Ingresses."""
    region, files = environment.facts.get("region"), environment.repository.files
    folder = f"{environment.folder.path}/platform"
    if not isinstance(region, str) or not files.is_folder(folder):
        return
    for file in (f"{folder}/{name}/values.yaml" for name in files.under(folder)):
        for number, line in enumerate(files.text(file).splitlines(), 1) if files.is_file(file) else ():
            other = [] if line.lstrip().startswith("#") else [each for each in _REGION.findall(line) if each != region]
            if other:
                yield Finding(
                    at=LineAddress(files, file, number, number, (f":acm:{other[0]}:",)),
                    message=f"a certificate is of {other[0]}, and load balancers in {region} take those of that region",
                    fix=f"set the ARN of a certificate in {region}",
                )
