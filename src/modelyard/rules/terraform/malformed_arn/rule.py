"""ARNs that match nothing."""

import re
from collections.abc import Iterator
from functools import lru_cache

from modelyard.catalog import arn_shapes
from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import nearest
from modelyard.view import Environment, LineAddress

_TEXT = re.compile(r'"(?<!\\")((?:[^"\\]|\\.)*+)"')
# Of these AWS itself owns no resource that a policy names without an account.
_OWNED = frozenset(
    {"dynamodb", "ecr", "eks", "elasticfilesystem", "fsx", "kms", "lambda", "logs", "secretsmanager", "sns", "sqs"}
)
_SWAPPED = re.compile(
    r"arn:[^:]*:[^:]*:(?:\$\{[\w.\[\]]{0,99}account[\w.\[\]]{0,99}\}|\d{12}):"
    r"|arn:[^:]*:[^:]*:[^:]*:\$\{[\w.\[\]]{0,99}region[\w.\[\]]{0,99}\}:"
)
_INTERPOLATION = re.compile(r"\$?\$\{[^{}\"]*\}|%\{[^{}\"]*\}")


@rule("terraform/malformed-arn", error, since="0.1.0")
def malformed_arn(environment: Environment) -> Iterator[Finding | NotChecked]:
    """An ARN that no resource has matches none, and the statement allows nothing."""
    terraform = environment.terraform
    for file, text in terraform.texts() if terraform is not None else ():
        for number, written, stray, fix in _malformed(text):
            yield Finding(
                at=LineAddress(environment.repository.files, file, number, number, (written,)),
                message=f"the ARN {written} has {stray}",
                fix=fix,
            )


@lru_cache(maxsize=1024)  # environments share their modules
def _malformed(text: str) -> tuple[tuple[int, str, str, str], ...]:
    """Return the line of each ARN that no resource has, the ARN, what is wrong with it, and what to do."""
    return tuple(
        (number, found[1], *wrong)
        for number, line in enumerate(text.splitlines(), 1)
        if "arn" in line and not line.lstrip().startswith(("#", "//"))
        for found in _TEXT.finditer(line)
        if (wrong := _wrong(found[1]))
    )


def _wrong(written: str) -> tuple[str, str] | None:
    """Return what is wrong with an ARN and what to do; None for a right one, and for what is none."""
    if not (written.startswith("arn:") or re.match(r"\$\{[\w.\[\]]*arn\}", written)):
        return None
    rest = _INTERPOLATION.sub("\0", written)
    if "${" in rest or "%{" in rest:
        return None  # an expression with texts of its own
    stray = "brace" if re.search(r"[{}]", rest) else "blank" if re.search(r"\s", rest) else ""
    if stray:
        return f"a stray {stray}", f"remove the stray {stray}"
    if _SWAPPED.match(written):
        return "the account in the place of the region, or the region in that of the account", "swap the two"
    return _misshapen(rest) if rest.startswith("arn:") else None


def _misshapen(arn: str) -> tuple[str, str] | None:
    """Return what an ARN has in the wrong place; a null character stands for anything."""
    parts = arn.split(":", 5)
    if len(parts) < 6:
        joined = "\0" in arn or "*" in arn  # one expression, or one star, may stand for several fields
        return (
            None if joined else (f"{len(parts) - 1} of 5 colons", "write arn:partition:service:region:account:resource")
        )
    _, partition, service, region, account, resource = parts
    if not _open(partition) and not re.fullmatch(r"aws(?:-[a-z]+)*", partition):
        return f"the partition {partition}", "write aws, or the partition of the region"
    if not _open(region) and region and not re.fullmatch(r"[a-z]{2,9}(?:-[a-z]{1,20}){1,5}-\d{1,3}", region):
        return f"{region} in the place of the region", "write the region, or nothing where the service has none"
    if not _open(account) and account not in ("", "aws", "cloudfront") and not re.fullmatch(r"\d{12}", account):
        return (
            f"{account} in the place of the account",
            "write the account of twelve digits, or nothing where the service has none",
        )
    if _open(service):
        return None
    shapes = arn_shapes().get(service)
    if shapes is None:
        near = nearest(service, arn_shapes(), cutoff=0.75)
        return f"the service {service}, which AWS does not have", f"write {near}" if near else (
            "write the service as its ARNs have it"
        )
    return _of_service(service, shapes, region, account, resource)


def _of_service(
    service: str, shapes: tuple[tuple[bool, bool, str], ...], region: str, account: str, resource: str
) -> tuple[str, str] | None:
    starts = {begins for _, _, begins in shapes}
    fixed = re.match(r"[^\0*?]*", resource)
    begun = fixed[0] if fixed else ""
    fitting = [
        each
        for each in shapes
        if begun.startswith(each[2]) or (len(begun) < len(resource) and each[2].startswith(begun))
    ]
    whole = begun == resource
    if whole and any(each[2].startswith(begun) for each in shapes):
        return None  # the beginning of one, to which an expression adds the rest
    if shapes and not fitting and "" not in starts and re.search(r"\w{3}", begun):
        near = nearest(begun.partition("/")[0].partition(":")[0], {each.rstrip("/:") for each in starts}, cutoff=0.6)
        return f"the resource {resource.replace(chr(0), '…')}, which {service} does not have", (
            f"write {near}" if near else f"begin the resource as ARNs of {service} do"
        )
    if fitting and region not in ("", "*", "\0") and not any(each[0] for each in fitting):
        return "a region, which such an ARN does not have", "leave the region empty"
    if fitting and account not in ("", "*", "\0") and not any(each[1] for each in fitting):
        return "an account, which such an ARN does not have", "leave the account empty"
    if fitting and not region and all(each[0] for each in fitting):
        return "no region, which such an ARN has", "write the region, or *"
    if fitting and not account and service in _OWNED and all(each[1] for each in fitting):
        return "no account, which such an ARN has", "write the account, or *"
    return None


def _open(field: str) -> bool:
    """Return whether a field can be anything."""
    return "\0" in field or "*" in field or "?" in field
