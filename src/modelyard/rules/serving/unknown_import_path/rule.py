"""Serve applications that Ray cannot import."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import near_words
from modelyard.view import Environment, ServeApplication, serve_applications

_BUILDER = "build_openai_app"
_MODULE = "ray.serve.llm"
_LLM = f"{_MODULE}:{_BUILDER}"


@rule("serving/unknown-import-path", error, since="0.1.0")
def unknown_import_path(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Ray Serve cannot deploy an application whose module is in neither Ray nor its runtime environment."""
    for workload in environment.own_workloads:
        for each in serve_applications(workload.manifest):
            if _is_brought(each):
                continue
            yield Finding(
                at=each.at("import_path"),
                message=f"{workload} imports {each.import_path}, which its Ray image does not have",
                fix=f"write {_LLM}" if each.has_models else "use a module of the image or runtime_env",
            )


def _is_brought(application: ServeApplication) -> bool:
    module, colon, name = application.import_path.partition(":")
    if application.brings_code or not application.has_models:
        return True
    if not (module.startswith("ray.") and colon and name):
        return False
    if near_words(module, [_MODULE], cutoff=0.9) and module != _MODULE:
        return False
    # A name that is not known may be newer; one that is spelt almost like the builder of models is not.
    return name == _BUILDER or not near_words(name, [_BUILDER], cutoff=0.9)
