"""A source goes where it was set up to go, and nowhere else: spellings, redirects, names."""

from ipaddress import ip_address

import pytest

from listbackup.connectors.rest.addresses import Reach, judge_address
from listbackup.connectors.rest.hosts import HostGuard, parse_target
from listbackup.connectors.rest.transport import Kind, TransportError

HOME = "https://api.example.com/v1"

# Every address here is somebody's own network: refused, unless a stanza allows private hosts.
PRIVATE = """
127.0.0.1 127.0.0.2 127.1.2.3 127.255.255.255 10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.254
192.168.0.1 192.168.255.255 169.254.0.1 169.254.1.1 100.64.0.1 100.127.255.254 198.18.0.1
198.19.9.9 [::1] [0:0:0:0:0:0:0:1] [0000::0001] [fe80::1] [febf::1] [fc00::1] [fd00::1]
[fdff:ffff::1] [fec0::1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::FFFF:10.0.0.1] [::ffff:192.168.1.1]
[::ffff:a9fe:101] [::127.0.0.1] [::7f00:1] [::10.0.0.1] [2002:7f00:1::] [2002:a00:1::1]
[2002:c0a8:101::] [64:ff9b::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b::10.0.0.1] [64:ff9b::c0a8:1]
[64:ff9b::169.254.1.1] [::ffff:0:127.0.0.1] [::ffff:0:a00:1] [2600::5efe:127.0.0.1]
[2600::200:5efe:10.0.0.1] [2002:6440:1::] [::ffff:100.64.0.1] [64:ff9b::100.64.0.1] localhost
LOCALHOST a.localhost localhost.localdomain router.local db.internal host.docker.internal
kubernetes.default.svc.cluster.local intranet wiki printer.lan nas.home box.home.arpa vpn.corp
x.private 1.0.0.127.in-addr.arpa hidden.onion api.test x.invalid localdomain server
""".split()

# These no stanza can allow: metadata, multicast, unspecified, reserved, documentation.
NEVER = """
169.254.169.254 169.254.169.253 169.254.170.2 169.254.170.23 100.100.100.200 168.63.129.16
192.0.0.192 [fd00:ec2::254] [fd00:ec2::253] [fd00:ec2::23] [fd20:ce::254] [fd00:42::42]
[::ffff:169.254.169.254] [::ffff:a9fe:a9fe] [::169.254.169.254] [64:ff9b::169.254.169.254]
[64:ff9b::a9fe:a9fe] [2002:a9fe:a9fe::] [2002:a9fe:a9fe::1] [::ffff:0:169.254.169.254]
[2600::5efe:169.254.169.254] [::ffff:100.100.100.200] [64:ff9b::168.63.129.16]
[::ffff:168.63.129.16] [0:0:0:0:0:ffff:169.254.169.254] [fd00:0ec2:0000:0000:0000:0000:0000:0254]
0.0.0.0 0.1.2.3 [::] [0:0:0:0:0:0:0:0] [::ffff:0.0.0.0] [64:ff9b::0.0.0.0] 224.0.0.1
239.255.255.255 232.1.1.1 [ff02::1] [ff05::2] [::ffff:224.0.0.1] 255.255.255.255 240.0.0.1
254.1.1.1 [::ffff:255.255.255.255] 192.0.0.1 192.0.0.8 192.88.99.1 192.0.2.1 198.51.100.7
203.0.113.9 [2001:db8::1] [3fff::1] [2001::1] [2001:0:4136:e378:8000:63bf:3fff:fdd2] [2001:10::1]
[2001:20::1] [100::1] [64:ff9b:1::1] [4000::1] [8000::1] [5f00::1] [::2:0:0:0] [fe00::1]
metadata.google.internal metadata.goog instance-data instance-data.ec2.internal metadata
""".split()

# Spellings that two programs read in two ways: refused whatever they lead to.
ODD = """
https://2130706433/ https://017700000001/ https://0x7f000001/ https://0x7f.0.0.1/
https://0177.0.0.1/ https://127.1/ https://127.0.1/ https://0/ https://1/ https://10.1/
https://192.168.257/ https://0x7f.1/ https://0X7F.0X0.0X0.0X1/ https://127.0.0.01/
https://127.0.0.001/ https://0127.0.0.1/ https://00000000000.0.0.1/ https://127.0.0.1.1/
https://256.1.1.1/ https://1.1.1.256/ https://1.2.3/ https://4294967296/ https://3232235521/
https://2852039166/ https://0xa9fea9fe/ https://0251.0376.0251.0376/ https://169.254.43518/
https://169.16689662/ https://0xa9.254.0251.254/ https://127.0.0.0x1/ https://127.0.0.1./
https://localhost./ https://api.example.com./v1 https://api.example.com../v1
https://.api.example.com/ https://api..example.com/ https://-api.example.com/
https://api-.example.com/ https://user@api.example.com/ https://user:pw@api.example.com/
https://@api.example.com/ https://api.example.com@127.0.0.1/
https://api.example.com:443@127.0.0.1/ https://:@127.0.0.1/ https://api.example.com%40127.0.0.1/
https://127.0.0.1%2f@api.example.com/ https://api.example.com:80:443/ https://api.example.com:/
https://api.example.com:0/ https://api.example.com:65536/ https://api.example.com:99999/
https://api.example.com:-1/ https://api.example.com:0443/ https://api.example.com:4a/
https://api.example.com:%34%34%33/ https://%31%32%37.0.0.1/ https://127.0.0.1%00.example.com/
https://%6cocalhost/ https://api%2eexample.com/ https://[::1/ https://::1/ https://[::1]]/
https://[[::1]]/ https://[127.0.0.1]/ https://[::1%25lo]/ https://[fe80::1%eth0]/
https://[fe80::1%25eth0]/ https://[::ffff:127.0.0.1.]/ https://[v1.::1]/ https://[]/
https://[::1]a/ https://a[::1]/ https://[:::1]/ https://[1:2:3:4:5:6:7:8:9]/
https://[::ffff:0x7f000001]/ https:///v1 https://?q https://# https:// https: //api.example.com/v1
/v1 v1 api.example.com/v1 https:/api.example.com/v1 https:api.example.com/v1
https:///api.example.com https:////api.example.com https:\\\\api.example.com/v1
https://api.example.com\\@127.0.0.1/ https://127.0.0.1\\.example.com/ https://api.example.com\\v1
https:/\\api.example.com/ \\\\api.example.com\\v1 file:///etc/passwd ftp://api.example.com/
gopher://api.example.com/_x dict://127.0.0.1:11211/stats ldap://api.example.com/
javascript:alert(1) data:text/html,x jar:https://api.example.com!/ ws://api.example.com/
unix:///run/docker.sock http+unix://%2Frun%2Fdocker.sock/ sftp://api.example.com/
tftp://127.0.0.1/x netdoc:///etc/hosts smb://127.0.0.1/c blob:https://api.example.com/x
view-source:https://api.example.com/ httpss://api.example.com/ h://a ssh://api.example.com/
about:blank mailto:a@example.com https://api.exam_ple.com:x/ https://a*b.example.com/
https://api.example.com,127.0.0.1/ https://api.example.com;127.0.0.1/
https://api.example.com&127.0.0.1/ https://(127.0.0.1)/ https://$h/ https://{host}/ https://`id`/
https://api!example.com/ https://a=b/ https://"127.0.0.1"/ https://'h'/ https://api.example.com|h/
https://<h>/ https://api^h/ https://~h/ https://+h/
""".split()

NOT_ASCII = [
    "https://ⓛocalhost/",
    "https://①②⑦.⓪.⓪.①/",
    "https://127。0。0。1/",
    "https://127．0．0．1/",
    "https://ｌocalhost/",
    "https://api.example.com\uff0f@127.0.0.1/",
    "https://bücher.example/",
    "https://раypal.com/",
    "https://api.example\u200b.com/",
    "https://api.example.com\u3002/",
    "https://١٢٧.0.0.1/",
    "https://ex\u00adample.com/",
    "https://api\u2024example.com/",
    "https://[::١]/",
    "https://api.example.com:４４３/",
]

UNPRINTABLE = [
    f"https://api.example.com{odd}{rest}"
    for odd in ("\t", "\n", "\r", "\x00", " ", "\x0b", "\x7f", "\r\nHost: 127.0.0.1")
    for rest in ("/v1", "@127.0.0.1/", ".evil.example/")
] + [" https://api.example.com/v1", "https://api.example.com/v1\n", "ht\ntps://api.example.com/"]

LONG = ["https://" + "a" * 64 + ".example/", "https://" + "a." * 127 + "example/"]

ELSEWHERE = """
https://api.example.com:444/v1 https://api.example.com:8443/v1 https://example.com/v1
https://8.8.8.8/ https://www.example.com/v1 https://api.example.com.evil.example/v1
https://evil-api.example.com/v1 https://apiXexample.com/v1 https://xn--pi-7ja.example.com/
https://1.1.1.1/ https://[2606:4700::1111]/ https://127.0.0.1.nip.io/ https://localtest.me/
https://spoofed.burpcollaborator.net/ https://api.example.co/ https://api.example.comm/
https://evil.example/api.example.com https://evil.example?api.example.com
https://evil.example#api.example.com https://evil.example/@api.example.com
""".split()


def refused(url: str, guard: HostGuard) -> str:
    with pytest.raises(TransportError) as caught:
        guard.judge_url(url)
    assert caught.value.kind is Kind.FORBIDDEN_HOST
    assert not caught.value.maybe_done
    return caught.value.detail


def cannot_be_set_up(url: str, *, allow_private_hosts: bool) -> str:
    with pytest.raises(TransportError) as caught:
        HostGuard([url], allow_private_hosts=allow_private_hosts)
    assert caught.value.kind is Kind.FORBIDDEN_HOST
    return caught.value.detail


def test_more_than_300_forms_are_tried() -> None:
    lists = (PRIVATE, NEVER, ODD, NOT_ASCII, UNPRINTABLE, LONG, ELSEWHERE)
    forms = {form for entries in lists for form in entries}
    assert len(forms) >= 300


@pytest.mark.parametrize("host", PRIVATE)
def test_ones_own_network_is_refused_unless_the_stanza_allows_it(host: str) -> None:
    said = cannot_be_set_up(f"https://{host}/v1", allow_private_hosts=False)
    assert "allow_private_hosts" in said
    cannot_be_set_up(f"http://{host}:8000/v1", allow_private_hosts=False)
    guard = HostGuard([f"http://{host}:8000/v1"], allow_private_hosts=True)
    assert guard.judge_url(f"http://{host}:8000/v1/contacts?limit=1").port == 8000
    refused(f"http://{host}:8001/v1", guard)


@pytest.mark.parametrize("host", NEVER)
def test_metadata_and_the_like_are_refused_always(host: str) -> None:
    cannot_be_set_up(f"https://{host}/v1", allow_private_hosts=False)
    cannot_be_set_up(f"http://{host}/v1", allow_private_hosts=True)


@pytest.mark.parametrize("url", [*ODD, *NOT_ASCII, *UNPRINTABLE, *LONG])
def test_what_can_be_read_in_two_ways_is_refused_always(url: str) -> None:
    cannot_be_set_up(url, allow_private_hosts=True)
    refused(url, HostGuard([HOME]))
    if url.startswith("https://"):
        refused("http" + url[5:], HostGuard([HOME], allow_private_hosts=True))


@pytest.mark.parametrize("url", ELSEWHERE)
def test_what_a_source_was_not_set_up_with_is_refused(url: str) -> None:
    assert "set up" in refused(url, HostGuard([HOME]))


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com/v1",
        "HTTPS://API.Example.COM/v1",
        "https://api.example.com:443/v1/contacts?filter=a%3D%3Db;c==d&fields=x,y",
        "https://api.example.com",
        "https://api.example.com?after=x@y:z//#end",
        "https://accounts.example.com/token",
        "https://xn--bcher-kva.example/v1",
        "https://93.184.216.34/v1",
        "https://[2606:4700::1111]:8443/v1",
        "https://[::ffff:8.8.8.8]/v1",
        "https://[64:ff9b::8.8.8.8]/v1",
    ],
)
def test_what_it_was_set_up_with_is_reached(url: str) -> None:
    guard = HostGuard([url, HOME])
    target = guard.judge_url(url)
    assert parse_target(target.url) == target


def test_without_tls_only_a_stanza_that_allows_private_hosts_is_read() -> None:
    said = cannot_be_set_up("http://api.example.com/v1", allow_private_hosts=False)
    assert "not encrypted" in said
    guard = HostGuard(["http://api.example.com/v1"], allow_private_hosts=True)
    assert guard.judge_url("http://api.example.com/v1").port == 80


def test_a_url_has_one_spelling_afterwards() -> None:
    target = parse_target("HTTPS://API.example.com:443/a b/ü?q=ö#x".replace(" ", "%20"))
    assert target.url == "https://api.example.com/a%20b/%C3%BC?q=%C3%B6"
    assert parse_target("https://[0:0::1]:8443?x").url == "https://[::1]:8443/?x"


@pytest.mark.parametrize(
    ("location", "leads_to"),
    [
        ("/v2/contacts", "https://api.example.com/v2/contacts"),
        ("contacts?x=1", "https://api.example.com/v1/contacts?x=1"),
        ("https://files.example.com/1", "https://files.example.com/1"),
        ("//files.example.com/1", "https://files.example.com/1"),
    ],
)
def test_a_redirect_to_an_allowed_origin_is_followed(location: str, leads_to: str) -> None:
    guard = HostGuard([HOME, "https://files.example.com"])
    start = guard.judge_url("https://api.example.com/v1/things")
    assert guard.judge_redirect(start, location).url == leads_to


@pytest.mark.parametrize(
    "location",
    [
        *("http://api.example.com/v1", "//evil.example/x", "https://127.0.0.1/", "https://[::1"),
        *("https://169.254.169.254/latest/meta-data/", "//2130706433/", "file:///etc/passwd"),
        *("https://api.example.com:8443/", "https://api.example.com@evil.example/", "\\\\evil\\x"),
        *("https://api.example.com./", "/\\evil.example", "\thttps://evil"),
    ],
)
def test_a_redirect_elsewhere_is_refused(location: str) -> None:
    guard = HostGuard([HOME])
    with pytest.raises(TransportError) as caught:
        went = guard.judge_redirect(guard.judge_url(HOME), location)
        assert went.origin != "https://api.example.com"
    assert caught.value.kind is Kind.FORBIDDEN_HOST


@pytest.mark.parametrize(
    "host", [h.strip("[]") for h in (*PRIVATE, *NEVER) if h[0] in "[0123456789"]
)
def test_a_name_that_is_resolved_to_such_an_address_is_refused(host: str) -> None:
    if host.endswith("arpa"):
        return
    with pytest.raises(TransportError) as caught:
        HostGuard([HOME]).judge_resolved("api.example.com", host)
    assert caught.value.kind is Kind.FORBIDDEN_HOST
    assert "api.example.com leads to" in caught.value.detail


def test_a_stanza_that_allows_private_hosts_still_never_resolves_to_metadata() -> None:
    guard = HostGuard(["http://box.lan/v1"], allow_private_hosts=True)
    assert guard.judge_resolved("box.lan", "192.168.0.9") == "192.168.0.9"
    assert guard.judge_resolved("box.lan", "FD00::0:1") == "fd00::1"
    for address in ("169.254.169.254", "fd00:ec2::254", "0.0.0.0", "224.0.0.1", "fe80::1%lo", "x"):
        with pytest.raises(TransportError):
            guard.judge_resolved("box.lan", address)


@pytest.mark.parametrize("text", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "2a00:1450::1"])
def test_public_addresses_are_public(text: str) -> None:
    assert judge_address(ip_address(text))[0] is Reach.PUBLIC
    if "." in text:
        for form in (f"::ffff:{text}", f"64:ff9b::{text}"):
            assert judge_address(ip_address(form))[0] is Reach.PUBLIC
