from pathlib import Path

import pytest

from modelyard.fetching import Action, FetchFailed, Progress, fetch, references
from modelyard.fetching.transport import checked_url, download, require_public
from modelyard.findings import UserError
from modelyard.repository import Repository
from modelyard.repository.locks import Lock, cached_chart, cached_definitions, read_lock
from modelyard.schemas import SchemaBundle
from tests.charts import archive, sha256
from tests.fetching.conftest import Naming, Server

CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets}
  versions:
    - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}
"""


def again(repository: Repository) -> Repository:
    """Return the repository as a later command reads it."""
    return Repository(repository.root)


def lock_text(repository: Repository) -> str:
    return (repository.root / "charts.lock").read_text()


def no_leftovers(cache: Path) -> bool:
    return not list((cache / "fetching").glob("*")) if (cache / "fetching").exists() else True


def test_a_chart_is_fetched_locked_and_found(server: Server, naming: Naming, own_cache: Path) -> None:
    content = server.put_chart("web", "1.2.3")
    repository = naming(("web", "1.2.3", server.url))
    told: list[Progress] = []
    (done,) = fetch(repository, report=told.append)
    assert (done.name, done.action, done.digest, done.locked) == ("web 1.2.3", Action.FETCHED, sha256(content), False)
    assert (told[-1].received, told[-1].expected) == (len(content), len(content))
    assert lock_text(repository) == (
        "# Written by `modelyard fetch`; commit it. What does not have the digest that stands here is refused.\n"
        "version: 1\n"
        "charts:\n"
        "  - name: web\n"
        "    version: 1.2.3\n"
        f"    repository: {server.url}\n"
        f"    digest: {sha256(content)}\n"
    )
    found = cached_chart(read_lock(again(repository).files), "web", "1.2.3", server.url)
    assert found is not None and found.read_bytes() == content
    assert no_leftovers(own_cache)


def test_the_second_time_asks_nobody(server: Server, naming: Naming) -> None:
    server.put_chart("web", "1.2.3")
    repository = naming(("web", "1.2.3", server.url))
    fetch(repository)
    before = lock_text(repository)
    server.asked.clear()
    (done,) = fetch(again(repository))
    assert (done.action, done.locked) == (Action.PRESENT, True)
    assert server.asked == []
    assert lock_text(repository) == before


def test_a_dry_run_asks_nobody_and_writes_nothing(server: Server, naming: Naming, own_cache: Path) -> None:
    server.put_chart("web", "1.2.3")
    repository = naming(("web", "1.2.3", server.url))
    (planned,) = fetch(repository, dry_run=True)
    assert (planned.action, planned.digest, planned.locked) == (Action.PLANNED, "", False)
    assert server.asked == []
    assert not (repository.root / "charts.lock").exists()
    fetch(repository)
    (present,) = fetch(again(repository), dry_run=True)
    assert (present.action, present.locked) == (Action.PRESENT, True)


def test_what_is_locked_and_not_in_the_cache_is_fetched_again(server: Server, naming: Naming, own_cache: Path) -> None:
    content = server.put_chart("web", "1.2.3")
    repository = naming(("web", "1.2.3", server.url))
    fetch(repository)
    (file,) = (own_cache / "fetched").rglob("content.tgz")
    file.write_bytes(b"damaged")
    later = again(repository)
    assert cached_chart(read_lock(later.files), "web", "1.2.3", server.url) is None
    (done,) = fetch(later)
    assert (done.action, done.locked) == (Action.FETCHED, True)
    assert file.read_bytes() == content


def test_a_digest_that_changed_is_refused(
    server: Server, naming: Naming, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = server.put_chart("web", "1.2.3")
    repository = naming(("web", "1.2.3", server.url))
    fetch(repository)
    before = lock_text(repository)
    new = server.put_chart("web", "1.2.3", archive("web", "1.2.3", files={"values.yaml": "evil: true\n"}))
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(own_cache / "other"))
    with pytest.raises(FetchFailed) as caught:
        fetch(again(repository))
    assert caught.value.message == (
        f"web 1.2.3 has another digest than charts.lock says: {sha256(new)}, expected {sha256(old)}"
    )
    assert "remove the entry from charts.lock" in caught.value.fix
    assert lock_text(repository) == before
    assert list((own_cache / "other").rglob("*.tgz")) == []
    assert list((own_cache / "other").rglob("*.part")) == []


def test_a_digest_that_the_index_does_not_confirm_is_refused(server: Server, naming: Naming) -> None:
    server.put_chart("web", "1.2.3", digest="ab" * 32)
    with pytest.raises(FetchFailed, match=r"arrived with the digest sha256:\w+, its repository states sha256:abab"):
        fetch(naming(("web", "1.2.3", server.url)))


def test_a_download_that_is_cut_off_goes_on_where_it_was(server: Server, naming: Naming, own_cache: Path) -> None:
    noise = "".join(sha256(str(number).encode()) for number in range(4000))
    content = server.put_chart("web", "1.2.3", archive("web", "1.2.3", files={"values.yaml": noise}))
    server.cut_after["/web-1.2.3.tgz"] = [5000]
    (done,) = fetch(naming(("web", "1.2.3", server.url)))
    assert done.digest == sha256(content)
    ranges = [each.get("Range") for each, path in zip(server.headers, server.asked, strict=True) if "tgz" in path]
    assert ranges == [None, "bytes=5000-"]
    assert no_leftovers(own_cache)


def test_a_later_run_goes_on_too(server: Server, naming: Naming) -> None:
    noise = "".join(sha256(str(number).encode()) for number in range(4000))
    content = server.put_chart("web", "1.2.3", archive("web", "1.2.3", files={"values.yaml": noise}))
    server.cut_after["/web-1.2.3.tgz"] = [1000, 1000, 1000]
    repository = naming(("web", "1.2.3", server.url))
    with pytest.raises(FetchFailed, match="was cut off 3 times") as caught:
        fetch(repository)
    assert "goes on from there" in caught.value.fix
    assert "charts.lock" not in [each.name for each in repository.root.iterdir()]
    (done,) = fetch(again(repository))
    assert done.digest == sha256(content)
    assert server.headers[-1]["Range"] == "bytes=3000-"


def test_new_content_is_not_glued_to_old(server: Server, naming: Naming) -> None:
    noise = "".join(sha256(str(number).encode()) for number in range(4000))
    server.put_chart("web", "1.2.3", archive("web", "1.2.3", files={"values.yaml": noise}))
    server.cut_after["/web-1.2.3.tgz"] = [1000, 1000, 1000]
    repository = naming(("web", "1.2.3", server.url))
    with pytest.raises(FetchFailed):
        fetch(repository)
    content = server.put_chart("web", "1.2.3", archive("web", "1.2.3", files={"values.yaml": noise[::-1]}))
    (done,) = fetch(again(repository))
    assert done.digest == sha256(content)


@pytest.mark.parametrize("index", [None, b"entries: {other: []}\n", b"entries:\n  web: [{version: 1.2.4}]\n"])
def test_a_chart_that_is_not_there(server: Server, naming: Naming, index: bytes | None) -> None:
    if index is not None:
        server.files["/index.yaml"] = index
    repository = naming(("web", "1.2.3", server.url))
    with pytest.raises(FetchFailed) as caught:
        fetch(repository)
    expected = {
        None: f"{server.url}/index.yaml is not there (404)",
        b"entries: {other: []}\n": f"{server.url} has no chart web",
    }
    assert caught.value.message == expected.get(index, f"{server.url} has no web 1.2.3")
    assert not (repository.root / "charts.lock").exists()


@pytest.mark.parametrize("index", [b"<html>login</html>", b"- 1\n", b"\xff\xfe", b"a: b: c\n", b""])
def test_what_is_no_index_is_refused(server: Server, naming: Naming, index: bytes) -> None:
    server.files["/index.yaml"] = index
    with pytest.raises(FetchFailed, match="is not the index of a chart repository"):
        fetch(naming(("web", "1.2.3", server.url)))


def test_no_network(server: Server, naming: Naming) -> None:
    with pytest.raises(FetchFailed, match=r"127\.0\.0\.1 cannot be reached \(Connection refused\)") as caught:
        fetch(naming(("web", "1.2.3", "http://127.0.0.1:9")))
    assert "network" in caught.value.fix


def test_one_failure_does_not_lose_the_others(server: Server, naming: Naming) -> None:
    content = server.put_chart("web", "1.2.3")
    repository = naming(("gone", "1.0.0", server.url), ("web", "1.2.3", server.url))
    with pytest.raises(FetchFailed, match="has no chart gone"):
        fetch(repository)
    lock = read_lock(again(repository).files)
    assert [(each.name, each.digest) for each in lock.charts] == [("web", sha256(content))]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not a tarball", "is not a chart's archive"),
        (archive("web", "1.2.3")[:-20], "is not a chart's archive"),
        (archive("other", "1.2.3"), "holds no web/Chart.yaml"),
        (archive("web", "9.9.9"), "the archive of web 1.2.3 holds web 9.9.9"),
        (archive("web", "1.2.3", chart="name: other\nversion: 1.2.3\n"), "holds other 1.2.3"),
    ],
)
def test_an_archive_that_is_not_the_chart_is_refused(
    server: Server, naming: Naming, own_cache: Path, content: bytes, message: str
) -> None:
    server.put_chart("web", "1.2.3", content)
    repository = naming(("web", "1.2.3", server.url))
    with pytest.raises(FetchFailed, match=message):
        fetch(repository)
    assert list(own_cache.rglob("*.tgz")) == []
    assert not (repository.root / "charts.lock").exists()


def test_an_archive_that_would_fill_the_disk_is_refused(server: Server, naming: Naming) -> None:
    bomb = archive("web", "1.2.3", files={f"{number}": "0" * 2**25 for number in range(9)})
    assert len(bomb) < 2**20
    server.put_chart("web", "1.2.3", bomb)
    with pytest.raises(FetchFailed, match="unpacks to more than 256 MiB"):
        fetch(naming(("web", "1.2.3", server.url)))


@pytest.mark.parametrize("length", [True, False])
def test_more_than_the_limit_is_not_taken(server: Server, own_cache: Path, length: bool) -> None:
    server.files["/large"] = b"x" * 3 * 2**20
    server.length = length
    with pytest.raises(FetchFailed, match="2 MiB"):
        download(f"{server.url}/large", limit=2 * 2**20)
    assert sum(file.stat().st_size for file in own_cache.rglob("*.part")) == 0


@pytest.mark.parametrize("version", ["1.x", ">=1.0.0", "", "1.2", "*"])
def test_a_version_that_is_not_exact_is_refused(server: Server, naming: Naming, version: str) -> None:
    with pytest.raises(FetchFailed, match="which is not one exact version"):
        fetch(naming(("web", version, server.url)))
    assert server.asked == []


def test_versions_of_the_rendered_applications_count(server: Server, naming: Naming) -> None:
    repository = naming(("web", "1.0.0", server.url))
    folder = repository.root / "environments" / "dev"
    patch = '[{"op": "replace", "path": "/spec/sources/1/targetRevision", "value": "1.2.3"}]'
    (folder / "kustomization.yaml").write_text(
        f"resources: [web-0.yaml]\npatches:\n  - target: {{kind: Application}}\n    patch: '{patch}'\n"
    )
    (chart,) = references(again(repository)).charts
    assert (chart.version, chart.applications) == ("1.2.3", ("dev/web-0",))


def test_environments_share_what_they_share(server: Server, naming: Naming) -> None:
    server.put_chart("web", "1.2.3")
    naming(("web", "1.2.3", server.url), environment="dev")
    repository = naming(("web", "1.2.3", server.url), environment="prod")
    (chart,) = references(repository).charts
    assert chart.applications == ("dev/web-0", "prod/web-0")
    assert len(fetch(repository)) == 1


def test_one_environment_leaves_the_entries_of_others(server: Server, naming: Naming) -> None:
    server.put_chart("web", "1.2.3")
    repository = naming(("web", "1.2.3", server.url), environment="dev")
    fetch(repository)
    server.put_chart("db", "2.0.0")
    repository = naming(("db", "2.0.0", server.url), environment="prod")
    fetch(repository, environments=["prod"])
    assert [each.name for each in read_lock(again(repository).files).charts] == ["db", "web"]


def test_what_nothing_names_leaves_the_lock(server: Server, naming: Naming) -> None:
    server.put_chart("web", "1.2.3")
    repository = naming(("web", "1.2.3", server.url))
    fetch(repository)
    fetch(naming())
    assert read_lock(again(repository).files) == Lock()


def test_an_environment_that_does_not_render_is_refused(server: Server, naming: Naming) -> None:
    repository = naming(("web", "1.2.3", server.url))
    (repository.root / "environments" / "dev" / "kustomization.yaml").write_text("resources: [absent.yaml]\n")
    with pytest.raises(UserError, match="environments/dev does not render, so the charts"):
        fetch(again(repository))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://example.com/a", "is not an https:// address"),
        ("file:///etc/passwd", "is not an https:// address"),
        ("ftp://example.com/a", "is not an https:// address"),
        ("https://me:secret@example.com/a", "an address on example.com holds credentials"),
    ],
)
def test_addresses_that_are_not_fetched(url: str, message: str) -> None:
    with pytest.raises(FetchFailed, match=message) as caught:
        checked_url(url)
    assert "secret" not in caught.value.message


def test_a_redirect_to_a_file_is_not_followed(server: Server, own_cache: Path) -> None:
    server.redirects["/a"] = "file:///etc/passwd"
    with pytest.raises(FetchFailed, match=r"302|https://"):
        download(f"{server.url}/a", limit=2**20)


def test_a_redirect_to_plain_http_elsewhere_is_not_followed(server: Server, own_cache: Path) -> None:
    server.redirects["/a"] = "http://example.com/a"
    with pytest.raises(FetchFailed, match=r"http://example\.com/a is not an https:// address"):
        download(f"{server.url}/a", limit=2**20)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fe80::1", "fd00::1"])
def test_a_public_server_redirects_to_no_private_address(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    answers = {"inside.example.com": address, "elsewhere.example.com": "93.184.216.34"}
    monkeypatch.setattr(
        "modelyard.fetching.transport.socket.getaddrinfo", lambda host, port: [(0, 0, 0, "", (answers[host], 0))]
    )
    with pytest.raises(FetchFailed, match="an address that is not public"):
        require_public("https://charts.example.com/a", "https://inside.example.com/a")
    require_public("https://charts.example.com/a", "https://elsewhere.example.com/a")
    require_public("https://charts.example.com/a", "https://charts.example.com/b")


def test_a_server_that_sends_byte_by_byte_is_left(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    monkeypatch.setattr("modelyard.fetching.transport.SECONDS_IN_ALL", -1.0)
    server.files["/a"] = b"abc"
    with pytest.raises(FetchFailed, match="did not arrive within"):
        download(f"{server.url}/a", limit=2**20)


@pytest.mark.parametrize("token", ["", "a-token"])
def test_a_chart_from_a_registry(server: Server, naming: Naming, token: str) -> None:
    server.token = token
    content = archive("web", "1.2.3+build.4")
    digest = server.put_image("charts/web", "1.2.3_build.4", content)
    repository = naming(("web", "1.2.3+build.4", f"oci://{server.host}/charts"))
    (done,) = fetch(repository)
    assert (done.digest, done.repository) == (digest, f"{server.host}/charts")
    lock = read_lock(again(repository).files)
    assert cached_chart(lock, "web", "1.2.3+build.4", f"{server.host}/charts") is not None
    assert cached_chart(lock, "web", "1.2.3+build.4", f"oci://{server.host}/charts") is not None
    assert "a-token" not in lock_text(repository)
    assert any("scope=repository%3Acharts%2Fweb%3Apull" in each for each in server.asked) is bool(token)


def test_the_token_is_not_taken_to_another_host(server: Server, other_server: Server, naming: Naming) -> None:
    server.token = "a-token"  # noqa: S105 - a stand-in
    content = archive("web", "1.2.3")
    digest = server.put_image("charts/web", "1.2.3", content)
    other_server.files["/blob"] = content
    server.redirects[f"/v2/charts/web/blobs/{digest}"] = f"{other_server.url}/blob"
    (done,) = fetch(naming(("web", "1.2.3", f"{server.host}/charts")))
    assert done.digest == digest
    assert other_server.asked == ["/blob"]
    assert "Authorization" not in other_server.headers[0]


def test_an_image_that_is_no_chart_is_refused(server: Server, naming: Naming) -> None:
    server.put_image("charts/web", "1.2.3", b"layer", "application/vnd.oci.image.layer.v1.tar+gzip")
    with pytest.raises(FetchFailed, match=r"charts/web:1\.2\.3 is not a Helm chart"):
        fetch(naming(("web", "1.2.3", f"{server.host}/charts")))


def test_a_registry_that_wants_a_login_is_told_as_such(server: Server, naming: Naming) -> None:
    server.token = "a-token"  # noqa: S105 - a stand-in
    server.redirects["/token"] = f"{server.url}/denied"
    server.put_image("charts/web", "1.2.3", b"x")
    with pytest.raises(FetchFailed):
        fetch(naming(("web", "1.2.3", f"{server.host}/charts")))


def test_definitions_are_fetched_and_serve_as_schemas(server: Server, naming: Naming) -> None:
    server.files["/widgets.yaml"] = CRD.encode()
    url = f"{server.url}/widgets.yaml"
    repository = naming(settings=f"version: 1\ncrds:\n  - {url}\n")
    (done,) = fetch(repository)
    assert (done.name, done.digest, done.action) == (url, sha256(CRD.encode()), Action.FETCHED)
    path = cached_definitions(read_lock(again(repository).files), url)
    assert path is not None
    assert ("example.com/v1", "Widget") in SchemaBundle(crd_paths=[path]).known_kinds
    server.files["/widgets.yaml"] = CRD.replace("Widget", "Gadget").encode()
    path.unlink()
    with pytest.raises(FetchFailed, match=r"has another digest than charts\.lock says"):
        fetch(again(repository))


def test_what_holds_no_definitions_is_refused(server: Server, naming: Naming, own_cache: Path) -> None:
    server.files["/widgets.yaml"] = b"<html>sign in</html>"
    url = f"{server.url}/widgets.yaml"
    repository = naming(settings=f"version: 1\ncrds:\n  - {url}\n")
    with pytest.raises(FetchFailed, match=f"{url} holds no CustomResourceDefinition"):
        fetch(repository)
    assert list((own_cache / "fetching").glob("*.part")) == []


@pytest.mark.parametrize(
    "text",
    [
        "version: 2\n",
        "[]\n",
        "version: 1\ncharts: [{name: a}]\n",
        "version: 1\ncharts: [{name: a, version: 1.10, repository: b, digest: c}]\n",
        "version: 1\ncharts: [{name: a, version: b, repository: c, digest: 'md5:0'}]\n",
    ],
)
def test_a_lock_that_is_none_is_refused(naming: Naming, text: str) -> None:
    repository = naming()
    (repository.root / "charts.lock").write_text(text)
    with pytest.raises(UserError, match=r"charts\.lock is not a lock that this version of modelyard writes"):
        fetch(again(repository))


def test_a_version_that_looks_like_a_number_stays_text(server: Server, naming: Naming) -> None:
    server.put_chart("web", "1.2.3")
    repository = naming(("web", "1.2.3", server.url))
    fetch(repository)
    text = lock_text(repository).replace("name: web", 'name: "1e3"')
    (repository.root / "charts.lock").write_text(text)
    assert read_lock(again(repository).files).charts[0].name == "1e3"
