"""What goes wrong is said, ends with 3, and gives no figure that looks whole."""

import time

import proxy
import pytest
from conftest import FIXTURES, http, run

MODEL = FIXTURES / "two-metagraphs"

# Retries and patience are those of the store's library; tests are in a hurry.
HURRY = {"AWS_READ_TIMEOUT": "2s"}


@pytest.fixture
def url(s3):
    return s3.put_model(MODEL, "faults/model")


def is_of(request, name):
    return request.path.split("?")[0].endswith(name) and request.range is not None


def once(act, name):
    """The first request for a range of a file is answered wrongly."""
    seen = []

    def rule(request):
        if is_of(request, name) and not seen:
            seen.append(request)
            return act
        return None

    return rule


def always(act, name):
    return lambda request: act if is_of(request, name) else None


def refused(answer, *words):
    # A person reads it above the figures, and a program on standard error.
    said = " ".join((answer.out + answer.err).split())
    assert answer.code == 3, said
    for word in words:
        assert word in said, said


def test_nothing_there(s3, url):
    answer = s3.run(url + "-not")
    refused(answer, "no SavedModel", "s3://models/faults/model-not")
    assert "0 models" in answer.out or "could not be read" in answer.out


def test_no_such_bucket(s3):
    refused(s3.run("s3://other/model"), "no such bucket (404 NoSuchBucket)")


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (403, "AccessDenied", "access is denied (403 AccessDenied)"),
        (400, "ExpiredToken", "the credentials have expired"),
        (403, "SignatureDoesNotMatch", "the credentials are not accepted"),
        (404, "NoSuchKey", "nothing is there (404 NoSuchKey)"),
        (412, "PreconditionFailed", "changed while the audit ran"),
        (416, "InvalidRange", "no such range"),
    ],
)
def test_a_file_that_the_store_refuses(s3, url, status, code, words):
    s3.proxy.reset(always((status, code, {}), "saved_model.pb"))
    answer = s3.run(url)
    refused(answer, words, "saved_model.pb")
    # The problem stands before any figure.
    assert answer.out.index("saved_model.pb") < answer.out.index("nothing avoidable" if "nothing av" in answer.out else "%")
    assert "nothing avoidable found (" not in answer.out
    assert len(s3.proxy.asked) < 10, "what is refused is not asked for again and again"


def test_a_listing_that_is_refused(s3, url):
    s3.proxy.reset(lambda request: (403, "AccessDenied", {}) if request.is_listing() else None)
    refused(s3.run(url), "access is denied (403 AccessDenied)")


@pytest.mark.parametrize("status", [429, 503])
def test_throttling_is_waited_for(s3, url, status):
    seen = []

    def rule(request):
        seen.append(request)
        return (status, "SlowDown", {}) if len(seen) <= 3 else None

    s3.proxy.reset(rule)
    answer = s3.run("--json", url)
    assert answer.code == 0, answer.err
    assert answer.model["remote"]["requests"] == len(seen), "what is asked again is counted"


def test_throttling_without_end(s3, url):
    s3.proxy.reset(lambda request: (503, "SlowDown", {}) if not request.is_listing() else None)
    start = time.monotonic()
    refused(s3.run(url), "asked for fewer requests, again and again (503 SlowDown)")
    assert time.monotonic() - start < 60


@pytest.mark.parametrize("name", ["saved_model.pb", "variables.index"])
def test_a_connection_that_is_cut_within_a_range_is_made_again(s3, url, name):
    s3.proxy.reset(once(proxy.cut, name))
    answer = s3.run("--json", url)
    assert answer.code == 0, answer.err
    assert answer.without_store() == run("--json", MODEL).without_store()


def test_a_connection_that_is_cut_again_and_again(s3, url):
    s3.proxy.reset(always(proxy.cut, "saved_model.pb"))
    refused(s3.run(url), "saved_model.pb: cannot be read: the connection failed")


@pytest.mark.parametrize("act", [proxy.truncated, proxy.other_range, proxy.whole, proxy.longer])
def test_a_range_that_is_another_one(s3, url, act):
    s3.proxy.reset(always(act, "saved_model.pb"))
    refused(s3.run(url), "saved_model.pb: cannot be read: ", "something else than it was asked for")


def test_a_store_that_is_slow_at_first(s3, url):
    s3.proxy.reset(once(proxy.silent, "saved_model.pb"))
    assert s3.run(url, env=HURRY).code == 0


@pytest.mark.parametrize("act", [proxy.silent, proxy.trickling])
def test_a_store_that_stays_silent(s3, url, act):
    s3.proxy.reset(always(act, "saved_model.pb"))
    refused(s3.run(url, env={**HURRY, "AWS_READ_TIMEOUT": "1s"}), "nothing came from the store for too long")


def test_nobody_at_the_endpoint(s3, url):
    refused(s3.run(url, env={"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}), "the connection failed")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("to", ["http://localhost:{port}/x?secret-of-the-store", "ftp://127.0.0.1/x", "https://127.0.0.1:{port}/"])
def test_a_redirect_to_another_host_or_scheme_is_not_followed(s3, url, status, to):
    other = proxy.Proxy(s3.target)
    to = to.format(port=other.server_address[1])
    s3.proxy.reset(always((status, "Moved", {"Location": to}), "saved_model.pb"))
    refused(s3.run(url), "redirects to " + to.split("/")[0], "which was not named")
    assert other.asked == []


def test_a_redirect_to_another_path_of_the_same_host_is_followed(s3, url):
    def rule(request):
        if is_of(request, "saved_model.pb") and "moved" not in request.path:
            return (307, "Moved", {"Location": request.path + "?moved"})
        return None

    s3.proxy.reset(rule)
    assert s3.run(url).code == 0


def test_a_bucket_in_another_region(s3, url):
    answer = (301, "PermanentRedirect", {"x-amz-bucket-region": "eu-west-1"})
    s3.proxy.reset(lambda request: answer)
    refused(s3.run(url), "AWS_REGION", "eu-west-1")


def test_a_model_that_changes_while_it_is_read(s3, url):
    def rule(request):
        if is_of(request, "saved_model.pb"):
            s3.put("faults/model/saved_model.pb", (MODEL / "saved_model.pb").read_bytes() + b"\0\0")
        return None

    s3.proxy.reset(rule)
    answer = s3.run("--json", url)
    refused(answer, "changed while the audit ran")
    assert {problem["kind"] for problem in answer.model["problems"] if problem["file"] == "saved_model.pb"} == {"changed"}


def test_a_proxy_is_used_where_the_environment_has_one(s3, url):
    # It forwards what it is asked for to the store, whatever the host is called.
    env = {"HTTP_PROXY": s3.proxy.url, "NO_PROXY": "", "AWS_ENDPOINT_URL": "http://nowhere.invalid"}
    answer = s3.run("--json", url, env=env)
    assert answer.code == 0, answer.err
    assert all(request.path.startswith("http://nowhere.invalid/") for request in s3.proxy.asked)


def test_no_credentials(url):
    env = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    refused(run(url, env=env), "there are no credentials: set AWS_ACCESS_KEY_ID")


def test_a_profile_has_keys_region_and_endpoint(s3, url, tmp_path):
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/credentials").write_text("[there]\naws_access_key_id = AKIASECRETID\naws_secret_access_key = verysecretkey\n")
    (tmp_path / ".aws/config").write_text(f"[profile there]\nregion = eu-west-3\nendpoint_url = {s3.proxy.url}\n")
    answer = run(url, env={"HOME": str(tmp_path), "AWS_PROFILE": "there"})
    assert answer.code == 0, answer.err
    assert "/eu-west-3/s3/" in s3.proxy.asked[0].headers["Authorization"]


ODD = ["a b", "a+b", "a%20b", "ä/ö", "a?b", "a#b", "a&b=c", "'\"", "a;b", "日本", "a\\b", "[x]*", "~a", "a:b@c", "{x}|^`"]


@pytest.mark.parametrize("name", ODD)
def test_names_are_taken_as_they_are(s3, name):
    url = s3.put_model(MODEL, f"odd/{name}")
    s3.put(f"odd/{name}/assets.extra/{name}", b"x")
    answer = s3.run("--json", url)
    assert answer.code == 0, answer.err
    assert answer.model["path"] == url
    assert f"assets.extra/{name}" in [file["path"] for file in answer.model["files"]]


def test_a_name_with_an_escape_in_it_is_made_safe(s3):
    s3.put("escape/\x7fx\u202e/readme", b"x")
    answer = s3.run("s3://models/escape")
    refused(answer)
    assert "\u202e" not in answer.out + answer.err and "\x7f" not in answer.out + answer.err


def test_a_name_that_is_no_path_is_said(s3):
    s3.put("nopath//x", b"x")
    refused(s3.run("s3://models/nopath"), "a name that is no path")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://user:verysecretkey@host/model", "credentials"),
        ("https://host/model?X-Amz-Signature=verysecretkey", "credentials"),
        ("ftp://host/model", "is not read"),
        ("http://example.com/model", "is not encrypted"),
        ("s3://", "has no bucket"),
    ],
)
@pytest.mark.parametrize("before", [(), ("why",), ("baseline", "-o", "-"), ("diff", "x")])
def test_a_url_that_is_not_read_is_wrong_usage(url, words, before):
    after = ("name",) if before == ("why",) else ()
    answer = run(*before, url, *after)
    assert (answer.code, answer.out) == (2, "")
    assert words in answer.err


def test_a_web_server_that_lists_nothing(s3):
    s3.proxy.reset(lambda request: (405, "MethodNotAllowed", {}))
    refused(run(s3.proxy.url + "/models/x"), "the server does not list what is in this folder")


def test_hosts_in_what_a_server_lists_are_not_asked(s3):
    other = proxy.Proxy(s3.target)
    listing = f"""<?xml version="1.0"?><D:multistatus xmlns:D="DAV:"><D:response><D:href>{other.url}/m/saved_model.pb</D:href>
      <D:propstat><D:prop><D:resourcetype/><D:getcontentlength>5</D:getcontentlength>
      <D:getlastmodified>Mon, 12 Oct 2009 17:50:30 GMT</D:getlastmodified></D:prop><D:status>HTTP/1.1 200 OK</D:status>
      </D:propstat></D:response></D:multistatus>""".encode()

    def answer(handler, status, headers, data):
        handler.answer(207, {"Content-Type": "application/xml"}, listing)

    s3.proxy.reset(lambda request: answer if request.method == "PROPFIND" else None)
    assert run(s3.proxy.url + "/m").code == 3
    assert len(s3.proxy.asked) > 1 and other.asked == []


def test_the_store_of_the_tests_is_there(moto):
    assert b"ListAllMyBucketsResult" in http("GET", "http://{}:{}/".format(*moto))
