import pytest

from fanout.errors import PermanentError, TransientError
from workloads.notifications import targets
from workloads.notifications.targets import (
    RefusedTargetError,
    Target,
    is_public,
    resolve,
    resolve_target,
)

PUBLIC = "93.184.215.14"


def resolver(*addresses: str):
    return lambda host, port: addresses


# The system's resolver reads every form of a number as connecting to it would.
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0x7f.1",
        "0",
        "localhost",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[0:0:0:0:0:ffff:a9fe:a9fe]",
        "169.254.169.254",
        "2852039166",
        "0xA9FEA9FE",
        "168.63.129.16",
        "10.0.0.1",
        "172.16.5.4",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",
        "192.0.0.192",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[fec0::1]",
        "[ff02::1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::7f00:1]",
        "[2002:7f00:1::]",
        "[2002:a9fe:a9fe::1]",
        "[2001:0:4136:e378:8000:63bf:5601:5601]",
        "[2001:db8::1]",
        "[100::1]",
    ],
)
def test_no_form_of_an_address_that_is_not_public_passes(host: str):
    for scheme in ("http", "https"):
        with pytest.raises(RefusedTargetError):
            resolve_target(f"{scheme}://{host}/hook")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "file:///etc/passwd",
        "gopher://example.org/",
        "//example.org/",
        "example.org",
        "http://",
        "http:///x",
        "http://user@example.org/",
        "http://user:pw@example.org/",
        "http://example.org@127.0.0.1/",
        "http://127.0.0.1#@x.org/",
        "http://example.org\\@127.0.0.1/",
        "http://example.org/\r\nX: y",
        "http://exam ple.org/",
        "http://example.org:99999/",
        "http://example.org:x/",
        "http://[::1/",
        "http://[fe80::1%25lo]/",
        "http://ex%61mple.org/",
        "http://example.org/ä",
        "http://example.org/?a=ä",
        "http://exa\u2100mple.org/",
        "http://a..b/",
        "http://./",
        "http://-ä.example.org/",
        "http://ä%20.example.org/",
        "http://user＠example.org/",
        "http://\ud800.example.org/",
        f"http://{'a' * 64}.example.org/",
        "http://127。0。0。1/",
        "http://example.org:22/",
        "http://example.org:25/",
        "http://example.org:6379/",
        "http://example.org:0/",
    ],
)
def test_a_malformed_or_unusual_url_is_refused(url: str):
    with pytest.raises(RefusedTargetError):
        resolve_target(url, resolver=resolver(PUBLIC) if "127" not in url else resolve)


@pytest.mark.parametrize("inside", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fe80::1%2"])
def test_a_name_is_refused_if_any_of_its_addresses_is_not_public(inside: str):
    for addresses in ([inside], [PUBLIC, inside], [inside, PUBLIC]):
        with pytest.raises(RefusedTargetError, match="not on the public internet") as refused:
            resolve_target("https://hook.example.org/", resolver=resolver(*addresses))
        assert inside not in str(refused.value)


def test_a_name_without_any_address_is_refused():
    with pytest.raises(RefusedTargetError, match="no address"):
        resolve_target("https://hook.example.org/", resolver=resolver())


def test_the_name_is_resolved_once_and_its_checked_address_is_the_one_to_connect_to():
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    target = resolve_target(
        "https://hook.example.org/a?b=c", resolver=lambda host, port: next(answers)
    )
    assert target == Target("https", "hook.example.org", 443, PUBLIC, "/a?b=c")
    assert target.host_header == "hook.example.org"
    assert next(answers) == ["127.0.0.1"]


@pytest.mark.parametrize(
    "host",
    ["bücher.example", "BÜCHER。example.", "ｂücher.example", "XN--bcher-kva.example"],
)
def test_the_host_is_resolved_asked_for_and_certified_in_one_form(host: str):
    asked = []

    def look_up(name: str, port: int) -> list[str]:
        asked.append(name)
        return [PUBLIC]

    target = resolve_target(f"https://{host}/hook", resolver=look_up)
    assert asked == [target.host] == [target.host_header] == ["xn--bcher-kva.example"]


@pytest.mark.parametrize("host", ["１２７.0.0.1", "①②⑦.0.0.1", "ⓛocalhost", "ｌｏｃａｌｈｏｓｔ"])
def test_no_spelling_of_an_own_host_passes(host: str):
    with pytest.raises(RefusedTargetError, match="not on the public internet"):
        resolve_target(f"http://{host}/")


@pytest.mark.parametrize(
    ("url", "header"),
    [
        ("http://h.example.org", "h.example.org"),
        ("http://h.example.org:8080/", "h.example.org:8080"),
        ("http://h.example.org:443/", "h.example.org:443"),
        ("https://[2606:2800:21f::1]/", "[2606:2800:21f::1]"),
        ("https://ⓔxample.org/", "example.org"),
    ],
)
def test_the_host_header_names_the_port_unless_it_is_the_usual_one(url: str, header: str):
    assert resolve_target(url, resolver=resolver(PUBLIC)).host_header == header


@pytest.mark.parametrize("text", [PUBLIC, "8.8.8.8", "::ffff:8.8.8.8", "2606:2800:21f::1"])
def test_public_addresses_pass(text: str):
    assert is_public(targets._parse_address(text))


def test_where_private_webhooks_are_allowed_any_address_and_port_passes():
    target = resolve_target("http://127.0.0.1:5999/x", allow_private=True)
    assert (target.address, target.port) == ("127.0.0.1", 5999)


def test_a_name_that_does_not_exist_is_permanent_and_a_silent_resolver_is_not(monkeypatch):
    def fail(number):
        def getaddrinfo(*args, **options):
            raise targets.socket.gaierror(number, "no")

        monkeypatch.setattr(targets.socket, "getaddrinfo", getaddrinfo)

    fail(targets.socket.EAI_NONAME)
    with pytest.raises(PermanentError, match="does not exist"):
        resolve_target("https://nowhere.example.org/")
    fail(targets.socket.EAI_AGAIN)
    with pytest.raises(TransientError, match="does not resolve"):
        resolve_target("https://nowhere.example.org/")
