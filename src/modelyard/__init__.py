"""Check, edit and generate GitOps repositories that serve models on Amazon EKS."""


def __getattr__(name: str) -> str:
    # Reading package metadata costs a third of the time of `modelyard --help`, which does not print it.
    if name == "__version__":
        from importlib.metadata import version

        return version("modelyard")
    raise AttributeError(f"module 'modelyard' has no attribute {name!r}")
