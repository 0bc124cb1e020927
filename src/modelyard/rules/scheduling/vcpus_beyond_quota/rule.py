"""Nodes for which the account has no vCPUs."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, UserError, error, warning
from modelyard.placement import QUOTA_FACT, QUOTAS, groups_of, scales, stated_quotas, vcpus
from modelyard.rules import rule
from modelyard.rules.wording import either
from modelyard.view import Environment


@rule("scheduling/vcpus-beyond-quota", error, since="0.1.0")
def vcpus_beyond_quota(environment: Environment) -> Iterator[Finding | NotChecked]:
    """EC2 starts no nodes beyond the account's vCPU quota, and pods stay Pending until it is raised."""
    yield from _misstated(environment)
    stated = stated_quotas(environment)
    if not stated:
        return  # only the cloud knows them; Terraform compares them with pool_vcpus
    try:
        groups = [each for each in groups_of(environment) if not each.reserved]
    except UserError as error:
        yield NotChecked("vCPU quotas", error.message)
        return
    found = scales(environment)
    own = [(kind, "on-demand") for group in groups for kind in group.kinds[:1] for _ in range(group.most)]
    most, rolling = (
        vcpus([*((node.option.kind, node.capacity_type) for node in fleet.nodes), *own])
        for fleet in (found.most, found.rolling)
    )
    for quota in QUOTAS:
        have = stated.get(quota.key)
        if have is None or rolling.get(quota.key, 0) <= have:
            continue
        at_most = most.get(quota.key, 0)
        beyond = at_most > have
        count, when = (at_most, "at full scale") if beyond else (rolling[quota.key], "during a rollout of everything")
        yield Finding(
            at=environment.folder.at(QUOTA_FACT, quota.key),
            message=f"{environment} runs {count:,} vCPUs {when} that count against {quota.name} ({quota.code}), but "
            f"the account's quota is {have:,}",
            fix=f"request {count:,} from Service Quotas and set it here, or lower replicas and limits",
            severity=None if beyond else warning,
        )


def _misstated(environment: Environment) -> Iterator[Finding]:
    given = environment.facts.get(QUOTA_FACT)
    if given is None:
        return
    known = [quota.key for quota in QUOTAS]
    told = given.items() if isinstance(given, dict) else [(None, given)]
    stated = stated_quotas(environment)
    for key, value in told:
        if str(key) not in stated:
            where = QUOTA_FACT if key is None else f"{QUOTA_FACT}.{key}"
            yield Finding(
                at=environment.folder.at(QUOTA_FACT, *(() if key is None else (str(key),))),
                message=f"{where} is {value!r}, expected a whole number of vCPUs under {either(known)}",
                fix="use the value that Service Quotas shows for the account in this region",
            )
