"""Serves the mock on the loopback address until the process is ended; writes its port to a file once it listens."""

import os
import sys
from pathlib import Path


def main(account: str, region: str, port_file: str) -> None:
    """Serve."""
    # moto reads these when it is imported.
    os.environ["MOTO_ACCOUNT_ID"] = account
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
    from modelyard.rehearsal.cloud.mock_aws.application import serve
    from modelyard.rehearsal.cloud.mock_aws.scope import Scope

    serve(Scope(account, region), Path(port_file))


if __name__ == "__main__":
    main(*sys.argv[1:4])
