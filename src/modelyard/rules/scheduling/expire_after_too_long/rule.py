"""Nodes of EKS Auto Mode that are to live longer than it lets them."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, Pool, seconds

_HOUR, _DAY = 3600.0, 86400.0
LONGEST = 21 * _DAY
"""How long a node lives at most, with the time that it takes to drain."""
# What EKS takes where a pool does not say: 336 hours, and a day.
_EXPIRY, _GRACE = 336 * _HOUR, _DAY


@rule("scheduling/expire-after-too-long", error, since="0.1.0")
def expire_after_too_long(environment: Environment) -> Iterator[Finding | NotChecked]:
    """EKS Auto Mode rejects a node pool whose nodes may live longer than 21 days."""
    for pool in environment.pools:
        if not pool.auto_mode:
            continue
        expiry = _told(pool, "expireAfter", _EXPIRY)
        grace = _told(pool, "terminationGracePeriod", _GRACE)
        if expiry is not None and (grace is None or expiry + grace <= LONGEST):
            continue
        drain = _GRACE if grace is None else grace
        how = "never" if expiry is None else f"after {expiry / _HOUR:g} hours"
        yield Finding(
            at=pool.manifest.at("spec.template.spec.expireAfter"),
            message=f"nodes of {pool} expire {how} and drain for {drain / _HOUR:g} hours; EKS Auto Mode allows "
            f"{LONGEST / _HOUR:g} hours for both together",
            fix=f"write expireAfter: {max(LONGEST - drain, 0) / _HOUR:g}h or less",
        )


def _told(pool: Pool, field: str, default: float) -> float | None:
    """Return a duration of a pool in seconds; None where it says `Never` or what is none."""
    written = pool.manifest.get(f"spec.template.spec.{field}")
    return default if written is None else seconds(written)
