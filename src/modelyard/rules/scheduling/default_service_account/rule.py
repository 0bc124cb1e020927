"""Pods of models without the account that has the rights."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.rules.wording import one_of
from modelyard.view import Environment, PodTemplate, association, text, texts_in


@rule("scheduling/default-service-account", warning, since="0.1.0")
def default_service_account(environment: Environment) -> Iterator[Finding | NotChecked]:
    """AWS permissions belong to a ServiceAccount; pods that run as `default` cannot read the weights."""
    terraform = environment.terraform
    blocks = terraform.resources("aws_eks_pod_identity_association") if terraform is not None else []
    for model in environment.models:
        namespace = environment.namespace_of(model.workload.manifest)
        given = {name for where, name in map(association, blocks) if where == namespace} - {"default"}
        if not given or "default" in {name for where, name in map(association, blocks) if where == namespace}:
            continue
        for template in model.workload.templates:
            account = text(template.spec, "serviceAccountName") or text(template.spec, "serviceAccount")
            what = "with accelerators" if template.accelerators else "that read from S3"
            if (template.accelerators or _reads_bucket(template)) and account in ("", "default"):
                yield Finding(
                    at=template.at("serviceAccountName"),
                    message=f"pods of {model.workload} {what} run as default, "
                    f"but Terraform grants AWS permissions to {one_of(given)} in {namespace}",
                    fix=f"add serviceAccountName: {one_of(given)}",
                )


def _reads_bucket(template: PodTemplate) -> bool:
    """Return whether a container of the pods names a bucket in its words or variables."""
    for container in template.containers:
        told = {key: container.value.get(key) for key in ("command", "args", "env")}
        if any("s3://" in each for _, each in texts_in(told, ())):
            return True
    return False
