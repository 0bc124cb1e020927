"""Serves the mock on the loopback address until the process is ended; writes its port to a file once it listens."""

import os
import sys
from pathlib import Path


def main(account: str, region: str, port_file: str, *endpoints_missing: str) -> None:
    """Serve.

    Args:
        account: AWS account.
        region: AWS region.
        port_file: Written once it listens.
        endpoints_missing: Endpoint services and zones in which they are not, each as `service@zone`.
    """
    # moto reads these when it is imported.
    os.environ["MOTO_ACCOUNT_ID"] = account
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
    from modelyard.rehearsal.cloud.mock_aws.application import serve
    from modelyard.rehearsal.cloud.mock_aws.scope import Scope

    missing = frozenset((service, zone) for service, _, zone in (each.partition("@") for each in endpoints_missing))
    serve(Scope(account, region, missing), Path(port_file))


if __name__ == "__main__":
    main(*sys.argv[1:])
