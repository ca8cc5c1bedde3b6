"""What looks like an e-mail address, a name or an IP address, and what only resembles one."""

import json

import pytest

from ingest import personal
from ingest.personal import EMAIL, IP, NAME


@pytest.mark.parametrize(
    ("name", "what"),
    [
        *((name, EMAIL) for name in ("email", "e-mail", "userEmail", "EMAIL", "contact_mail", "billing.email.work")),
        *((name, IP) for name in ("ip", "client_ip", "clientIp", "remoteIPAddress", "ipv6", "x-real-ip")),
        *(
            (name, NAME)
            for name in ("name", "first_name", "lastName", "username", "user.name", "display-name", "surname")
        ),
        *(
            (name, None)
            for name in ("plan", "status", "sessionCampaignName", "filename", "recipient", "zip", "shipping")
        ),
        *(
            (name, None)
            for name in ("instance", "metric_name", "namespace", "planName", "mailbox_count", "description")
        ),
    ],
)
def test_a_name_tells_by_its_words(name, what):
    assert personal.of_name(name) == what


@pytest.mark.parametrize(
    ("text", "what"),
    [
        *(
            (text, EMAIL)
            for text in ("ada@example.com", "Ada <a.l+x@mail.example.co.uk>", "/reset?to=ada@example.org&x=1")
        ),
        *(
            (text, IP)
            for text in ("10.0.0.1", "10.0.0.1:9090", "from 192.168.1.20, 443", "2001:db8::8a2e:370:7334", "::1:2:3")
        ),
        *(
            (text, None)
            for text in ("pro", "@home", "a@b", "1.2.3", "v1.2.3.4.5", "999.1.1.1", "2026-03-10 11:00:00.1+00")
        ),
        *((text, None) for text in ("aa:bb:cc:dd:ee:ff", "0.0.0.0", "12:30:45", "events.count{type=login}", "")),
    ],
)
def test_a_value_tells_by_its_form(text, what):
    assert personal.of_value(text) == what


@pytest.mark.parametrize(
    ("cell", "allowed", "refused"),
    [
        ('{"plan": "pro", "to": "ada@example.com"}', (), "to holds a value that looks like an e-mail address"),
        ('{"plan": "pro", "to": "ada@example.com"}', ("to",), None),
        ('{"plan": "pro", "to": "ada@example.com"}', ("attributes",), None),
        ('{"deep": {"er": ["ada@example.com"]}}', (), "deep holds a value that looks like an e-mail address"),
        ('[{"stage": "10.0.0.1"}]', (), "stage holds a value that looks like an IP address"),
        ("10.0.0.1", (), "attributes holds a value that looks like an IP address"),
        ('{"ada@example.com": 1}', (), None),
    ],
)
def test_a_key_is_named_and_its_value_is_not(tmp_path, cell, allowed, refused):
    file = tmp_path / "file.csv"
    quoted = cell.replace('"', '""')
    file.write_text(f'event_id,attributes\n1,{{}}\n2,"{quoted}"\n')
    said = personal.in_file(file, allowed)
    assert (said and said.partition(":")[0]) == refused
    assert "ada" not in (said or "")


def test_labels_are_looked_at_one_and_all():
    labels = [json.dumps({"status": str(number)}) for number in range(5000)]
    assert personal.in_labels(labels, ()) is None
    said = personal.in_labels([*labels, '{"instance": "10.0.0.1:80"}'], ())
    assert said.startswith("instance holds a value that looks like an IP address: leave it out")
    assert personal.in_labels([*labels, '{"instance": "10.0.0.1:80"}'], ("instance",)) is None
