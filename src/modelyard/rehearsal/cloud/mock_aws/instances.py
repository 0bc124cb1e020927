"""Machines: what fleets launch, which images there are, and what a node's kubelet would know of its machine."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from modelyard.catalog import region
from modelyard.rehearsal.cloud.mock_aws.names import architecture_of_image
from modelyard.rehearsal.cloud.mock_aws.scope import Json, Scope

_UNKNOWN_PRICE = 1_000_000.0


class Machines:
    """The EC2 of the mock, as far as moto's is not enough.

    Args:
        scope: Account and region.
    """

    def __init__(self, scope: Scope) -> None:
        from moto.ec2.models import ec2_backends

        self._scope = scope
        self._ec2: Any = ec2_backends[scope.account][scope.region]
        self._offered = region(scope.region)
        self._profiles: dict[str, str] = {}
        self._mend_fleets()
        self._offer_images()

    def make_security_group(self, vpc: str, cluster: str) -> str:
        """Make the security group that EKS makes for a cluster, and return its id."""
        return str(self._ec2.create_security_group(f"eks-cluster-sg-{cluster}", "EKS", vpc).id)

    def vpc_of(self, subnet: str) -> str:
        """Return the VPC of a subnet."""
        return str(self._ec2.get_subnet(subnet).vpc_id)

    def running(self) -> list[Json]:
        """Return what the kubelets of all machines that fleets launched would know of them."""
        return [
            {
                "id": each.id,
                "type": each.instance_type,
                "zone": each.availability_zone,
                "name": each.private_dns_name,
                "address": each.private_ip,
                "architecture": each.architecture,
                "user_data": _decoded(each.user_data),
                "role": self._role(self._profiles.get(each.id, "")),
            }
            for each in self._ec2.all_instances()
            if each.id in self._profiles and each.state == "running"
        ]

    def _role(self, profile: str) -> str:
        """Return the ARN of the role of an instance profile; empty where it has none."""
        from moto.iam.models import iam_backends

        for each in iam_backends[self._scope.account]["aws"].get_instance_profiles():
            if each.name == profile and each.roles:
                return str(each.roles[0].arn)
        return ""

    def _mend_fleets(self) -> None:
        """Let fleets start the cheapest type, in the groups and with the profile of their launch template."""
        from moto.ec2.models.fleets import Fleet

        machines = self

        def cheapest(fleet: Any, weight: float) -> tuple[dict[Any, int], float]:
            spec = min(fleet.launch_specs, key=lambda each: self._price(each.instance_type))
            return {spec: int(weight)}, weight

        def launch(fleet: Any, weight: float, lifecycle: str | None = None) -> None:
            counts, added = fleet.get_launch_spec_counts(weight)
            for spec, count in counts.items():
                made = machines.launch(fleet, spec, count, lifecycle)
                fleet.on_demand_instances += [
                    {"id": made.id, "instance": it, "launch_spec": spec} for it in made.instances
                ]
            fleet.fulfilled_capacity += added

        def launch_spot(fleet: Any, weight: float) -> list[Any]:
            launch(fleet, weight, "spot")
            return []

        Fleet.get_launch_spec_counts = cheapest
        Fleet.create_on_demand_requests = launch
        Fleet.create_spot_requests = launch_spot

    def launch(self, fleet: Any, spec: Any, count: int, lifecycle: str | None) -> Any:
        """Start machines as a fleet's launch template says; return moto's reservation."""
        template = self._ec2.get_launch_template(spec.launch_template_spec["LaunchTemplateId"])
        data = template.get_version(spec.launch_template_spec["Version"]).data
        groups = data.get("SecurityGroupIds") or [
            group for each in data.get("NetworkInterfaces", ())[:1] for group in each.get("Groups", ())
        ]
        made = self._ec2.run_instances(
            image_id=spec.image_id,
            count=count,
            user_data=spec.user_data,
            security_group_names=[],
            security_group_ids=list(groups),
            instance_type=spec.instance_type,
            is_instance_type_default=False,
            region_name=self._scope.region,
            subnet_id=spec.subnet_id,
            fleet_id=fleet.id,
            tags=spec.tag_specifications,
            lifecycle=lifecycle,
        )
        for each in made.instances:
            self._profiles[each.id] = str(data.get("IamInstanceProfile", {}).get("Name", ""))
        return made

    def _price(self, instance_type: str) -> float:
        """Return what a type costs on demand, so far as the catalogue knows the region."""
        offer = None if self._offered is None else self._offered.offers.get(instance_type)
        price = None if offer is None else offer.price.usd_per_hour
        return _UNKNOWN_PRICE if price is None else price

    def _offer_images(self) -> None:
        """Let the parameters in which AWS publishes images name one of the architecture that is asked for."""
        from moto.ec2.models.amis import Ami
        from moto.ssm.models import Parameter, SimpleSystemManagerBackend

        known = SimpleSystemManagerBackend.get_parameter
        ec2, scope = self._ec2, self._scope

        def get_parameter(backend: Any, name: str) -> Any:
            architecture = architecture_of_image(name)
            if architecture is None:
                return known(backend, name)
            identity = "ami-" + hashlib.sha256(name.encode()).hexdigest()[:17]
            if identity not in ec2.amis:
                ec2.amis[identity] = Ami(
                    ec2,
                    identity,
                    name=name.strip("/").replace("/", "-"),
                    architecture=architecture,
                    owner_id="amazon",
                    public=True,
                    root_device_type="ebs",
                    region_name=scope.region,
                )
            return Parameter(
                account_id=scope.account,
                name=name,
                value=identity,
                parameter_type="String",
                description="",
                allowed_pattern=None,
                keyid=None,
                last_modified_date=0,
                version=1,
                data_type="text",
            )

        SimpleSystemManagerBackend.get_parameter = get_parameter


def _decoded(user_data: Any) -> str:
    """Return user data as the machine reads them; moto holds them in more than one form."""
    encoded = user_data.as_bytes() if hasattr(user_data, "as_bytes") else user_data or b""
    return base64.b64decode(encoded).decode("utf-8", "replace")
