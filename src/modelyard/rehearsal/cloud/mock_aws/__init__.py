"""An AWS on this machine: moto, and small answers of our own where moto has none.

Only what the Terraform root and Karpenter ask for is here, and every answer is what they read back, not how AWS
behaves: nothing is authorised, nothing takes time, no machine starts. A name that only AWS knows is refused unless the
catalogue's data or moto's have it. `GAPS` says what a run cannot show.
`python -m modelyard.rehearsal.cloud.mock_aws ACCOUNT REGION PORT_FILE` serves it; it needs the extra `rehearsal`.
"""

GAPS = {
    "ec2": "moto drops descriptions of rules between groups, and mixes a template's own tags with what it tags; "
    "nothing is reserved; a fleet never lacks capacity; every region has every known release of an image",
    "eks": "moto's cluster and node groups come back changed, and it has no access entries, add-ons or associations",
    "fsx": "moto's file systems never become available, and it has no data repository associations",
    "budgets": "moto has no subscribers of notifications and no tags",
    "efs": "moto cannot delete the policy of a file system",
    "ecr": "moto has no pull-through caches and no repository creation templates",
    "servicequotas": "moto knows the quotas of VPC only",
    "names": "policies of AWS and endpoint services are those that moto knows, other names those of the catalogue: one "
    "that is newer is refused",
    "pricing": "moto has no prices; Karpenter uses those that it was built with",
    "events": "a queue takes an event whatever its policy says, and a test may send what only AWS sends",
}
