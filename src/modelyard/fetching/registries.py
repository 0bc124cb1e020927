"""Where a chart's archive is: an HTTP chart repository's index, or an OCI registry's manifest."""

from __future__ import annotations

import re
import urllib.parse
from dataclasses import dataclass, field
from typing import Any

from modelyard.fetching.transport import FetchFailed, checked_url, get, is_this_machine
from modelyard.findings import UserError
from modelyard.repository.json import MalformedJSON, parsed
from modelyard.repository.yaml import documents

_INDEX_BYTES = 64 * 1024 * 1024
_INDEX_VALUES = 3_000_000  # the largest public index, of some 20 MB, has about a million
_MANIFEST_BYTES = 4 * 1024 * 1024
_MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_CHART_TYPE = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
_PARAMETER = re.compile(r'\b(\w++)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Archive:
    """Where a chart's archive can be downloaded.

    Attributes:
        url: Its address.
        digest: Digest that the publisher states, `sha256:` and 64 digits; empty when it states none.
        headers: Header fields that the download needs; never printed.
    """

    url: str
    digest: str = ""
    headers: dict[str, str] = field(default_factory=dict, repr=False)


def locate(name: str, version: str, repository: str, indexes: dict[str, Any]) -> Archive:
    """Return where the archive of a chart is.

    Args:
        name: The chart's name.
        version: Its exact version.
        repository: `https://` address of a chart repository, or an OCI registry and path without a scheme.
        indexes: Indexes that were read already, by repository; filled on the way, since one can have 10 MB.

    Raises:
        FetchFailed: The repository cannot be reached, or does not have the chart at this version.
    """
    if "://" in repository:
        return _from_index(name, version, repository, indexes)
    return _from_registry(name, version, repository)


def _from_index(name: str, version: str, repository: str, indexes: dict[str, Any]) -> Archive:
    address = f"{repository}/index.yaml"
    if repository not in indexes:
        body = get(address, limit=_INDEX_BYTES).body
        try:
            content = documents(address, body.decode(), values=_INDEX_VALUES)
            indexes[repository] = content[0]["entries"]
        except (UnicodeDecodeError, LookupError, TypeError, UserError):
            raise FetchFailed(
                f"{address} is not the index of a chart repository",
                fix="check repoURL: a chart repository has an index.yaml, an OCI registry is named without https://",
            ) from None
    entries = indexes[repository].get(name) if isinstance(indexes[repository], dict) else None
    if not isinstance(entries, list):
        raise FetchFailed(f"{repository} has no chart {name}", fix="check the chart's name and repoURL")
    for entry in entries:
        if isinstance(entry, dict) and _same(str(entry.get("version", "")), version):
            urls = entry.get("urls")
            if not isinstance(urls, list) or not urls:
                raise FetchFailed(f"{repository} names no archive for {name} {version}")
            digest = str(entry.get("digest") or "").removeprefix("sha256:")
            url = urllib.parse.urljoin(f"{repository}/", str(urls[0]))
            return Archive(checked_url(url), f"sha256:{digest}" if re.fullmatch(r"[0-9a-f]{64}", digest) else "")
    newest = ", ".join(str(each.get("version")) for each in entries[:3] if isinstance(each, dict))
    raise FetchFailed(f"{repository} has no {name} {version}", fix=f"its index starts with {newest}")


def _from_registry(name: str, version: str, repository: str) -> Archive:
    host, _, path = f"{repository}/{name}".partition("/")
    base = f"{'http' if is_this_machine(urllib.parse.urlsplit(f'//{host}').hostname or '') else 'https'}://{host}/v2/{path}"
    tag = version.replace("+", "_")  # a tag cannot hold a plus sign; Helm writes an underscore
    manifest = f"{base}/manifests/{urllib.parse.quote(tag)}"
    headers = {"Accept": _MANIFEST_TYPE}
    answer = get(manifest, headers=headers, limit=_MANIFEST_BYTES)
    authorization: dict[str, str] = {}
    if answer.status == 401:
        authorization = {"Authorization": f"Bearer {_anonymous_token(manifest, answer.headers)}"}
        answer = get(manifest, headers=headers | authorization, limit=_MANIFEST_BYTES)
        if answer.status == 401:
            raise FetchFailed(f"{host}/{path} is not public (401)", fix="only what is public is fetched")
    try:
        layers = parsed(answer.body)["layers"]
        digest = next(str(each["digest"]) for each in layers if each.get("mediaType") == _CHART_TYPE)
    except (MalformedJSON, LookupError, TypeError, AttributeError, StopIteration):
        raise FetchFailed(
            f"{host}/{path}:{tag} is not a Helm chart", fix="check the chart's name and repoURL"
        ) from None
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        raise FetchFailed(f"{host}/{path}:{tag} names its archive by {digest[:80]}, not by SHA-256")
    return Archive(f"{base}/blobs/{digest}", digest, authorization)


def _anonymous_token(url: str, headers: dict[str, str]) -> str:
    """Ask the registry's token service for a token without naming oneself, as the distribution API has it."""
    challenge = headers.get("www-authenticate", "")
    fields = dict(_PARAMETER.findall(challenge))
    if not challenge.lower().startswith("bearer ") or "realm" not in fields:
        raise FetchFailed(f"{url} is not public (401)", fix="only what is public is fetched")
    query = urllib.parse.urlencode({key: fields[key] for key in ("service", "scope") if key in fields})
    realm = checked_url(fields["realm"])
    answer = get(f"{realm}?{query}", limit=_MANIFEST_BYTES)
    try:
        content = parsed(answer.body)
        return str(content.get("token") or content["access_token"])
    except (MalformedJSON, LookupError, TypeError, AttributeError):
        raise FetchFailed(
            f"{url} is not public: no token for everybody", fix="only what is public is fetched"
        ) from None


def _same(published: str, wanted: str) -> bool:
    return published == wanted or published.removeprefix("v") == wanted.removeprefix("v")
