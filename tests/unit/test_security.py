"""Does every Kafka client log in as the variables say, and is a combination that cannot work refused by name?"""

from __future__ import annotations

import ast
import logging
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from faststream.kafka.security import parse_security
from pydantic import ValidationError

from deploy.cli.acls import Acl, ours, wanted_acls
from deploy.cli.output import USAGE, as_failure
from deploy.local.settings import LocalSettings
from services.intake.settings import own
from shared.profile import find_profile, load_profile
from shared.security import broker_security, client_security
from shared.settings import Settings
from tests.support.secure import certificates

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = {"AIOKafkaConsumer", "AIOKafkaProducer", "AIOKafkaAdminClient", "KafkaBroker"}
SECRET = "correct-horse"  # noqa: S105 - a made-up one
LOGIN = {"GRIDCALL_KAFKA_USER": "gridcall", "GRIDCALL_KAFKA_PASSWORD": SECRET}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Give a folder with certificates, a password and what is neither."""
    certificates(tmp_path / "authority.pem", tmp_path / "broker.pem")
    (tmp_path / "empty").touch()
    (tmp_path / "password").write_text(SECRET + "\n", encoding="utf-8")
    encrypted = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"unknown")
    )
    (tmp_path / "encrypted.pem").write_bytes(encrypted)
    return tmp_path


@pytest.mark.parametrize(
    ("given", "named", "said"),
    [
        ({"SECURITY_PROTOCOL": "TLS"}, "SECURITY_PROTOCOL", "'PLAINTEXT', 'SSL', 'SASL_PLAINTEXT' or 'SASL_SSL'"),
        ({"SASL_MECHANISM": "PLAIN"}, "SASL_MECHANISM", "'SCRAM-SHA-256' or 'SCRAM-SHA-512'"),
        ({"SECURITY_PROTOCOL": "SASL_SSL"}, "SECURITY_PROTOCOL", "set GRIDCALL_KAFKA_USER"),
        ({"SECURITY_PROTOCOL": "SASL_SSL", "USER": "x"}, "SECURITY_PROTOCOL", "GRIDCALL_KAFKA_PASSWORD_FILE"),
        ({"USER": "x", "PASSWORD": SECRET}, "SECURITY_PROTOCOL", "unset GRIDCALL_KAFKA_USER"),
        ({"SECURITY_PROTOCOL": "SSL", "PASSWORD": SECRET}, "SECURITY_PROTOCOL", "need SASL_SSL"),
        ({"CA_FILE": "{}/authority.pem"}, "SECURITY_PROTOCOL", "unset GRIDCALL_KAFKA_CA_FILE"),
        ({"PASSWORD": SECRET, "PASSWORD_FILE": "{}/password"}, "PASSWORD_FILE", "not both"),
        ({"PASSWORD_FILE": "{}/nowhere"}, "PASSWORD_FILE", "may read"),
        ({"PASSWORD_FILE": "{}/empty"}, "PASSWORD_FILE", "this one is empty"),
        ({"CA_FILE": "{}/nowhere"}, "CA_FILE", "authority's certificate in PEM"),
        ({"CA_FILE": "{}/password"}, "CA_FILE", "authority's certificate in PEM"),
        ({"KEY_FILE": "{}/broker.pem"}, "KEY_FILE", "set GRIDCALL_KAFKA_CERTIFICATE_FILE too"),
        ({"CERTIFICATE_FILE": "{}/password"}, "KEY_FILE", "GRIDCALL_KAFKA_CERTIFICATE_FILE"),
        ({"CERTIFICATE_FILE": "{}/authority.pem", "KEY_FILE": "{}/broker.pem"}, "KEY_FILE", "not encrypted"),
        ({"CERTIFICATE_FILE": "{}/authority.pem", "KEY_FILE": "{}/encrypted.pem"}, "KEY_FILE", "not encrypted"),
    ],
)
def test_what_cannot_work_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, files: Path, given: dict[str, str], named: str, said: str
) -> None:
    """Before anything is connected, with the variable to set, and without the password."""
    for name, value in given.items():
        monkeypatch.setenv(f"GRIDCALL_KAFKA_{name}", value.format(files))
    with pytest.raises(ValidationError) as caught:
        LocalSettings()
    failure = as_failure(caught.value)
    assert failure.code == USAGE
    assert failure.sentence.startswith(f"GRIDCALL_KAFKA_{named} is ")
    assert said in failure.sentence
    assert SECRET not in failure.sentence + str(caught.value)


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "SASL_SSL"])
def test_both_libraries_are_told_the_same(
    monkeypatch: pytest.MonkeyPatch, files: Path, protocol: str, mechanism: str
) -> None:
    """FastStream hands its clients what aiokafka's clients get from us, whatever settings class it goes through."""
    for name, value in LOGIN.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GRIDCALL_KAFKA_SECURITY_PROTOCOL", protocol)
    monkeypatch.setenv("GRIDCALL_KAFKA_SASL_MECHANISM", mechanism)
    if protocol == "SASL_SSL":
        monkeypatch.setenv("GRIDCALL_KAFKA_CA_FILE", str(files / "authority.pem"))
    settings = own(LocalSettings().addressed())
    ours_, theirs = client_security(settings), parse_security(broker_security(settings))
    assert (ours_.pop("ssl_context", None) is None) == (theirs.pop("ssl_context") is None) == (protocol != "SASL_SSL")
    expected = {
        "security_protocol": protocol,
        "sasl_mechanism": mechanism,
        "sasl_plain_username": "gridcall",
        "sasl_plain_password": SECRET,
    }
    assert ours_ == theirs == expected


def test_a_certificate_may_be_the_login(monkeypatch: pytest.MonkeyPatch, files: Path) -> None:
    """Mutual TLS without SASL; one file may hold both certificate and key."""
    monkeypatch.setenv("GRIDCALL_KAFKA_SECURITY_PROTOCOL", "SSL")
    monkeypatch.setenv("GRIDCALL_KAFKA_CA_FILE", str(files / "authority.pem"))
    monkeypatch.setenv("GRIDCALL_KAFKA_CERTIFICATE_FILE", str(files / "broker.pem"))
    settings = Settings()
    context = client_security(settings)["ssl_context"]
    assert context.check_hostname
    assert context.get_ca_certs()[0]["subject"] == ((("commonName", "test authority"),),)
    theirs = parse_security(broker_security(settings))
    assert theirs["security_protocol"] == client_security(settings)["security_protocol"] == "SSL"


def test_plaintext_is_told_nothing() -> None:
    """As before there were these variables."""
    assert client_security(Settings()) == {}
    assert broker_security(Settings()) is None


def test_a_password_is_never_shown(
    monkeypatch: pytest.MonkeyPatch, files: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither by the settings nor in a log line; from a file it is the line without its end."""
    monkeypatch.setenv("GRIDCALL_KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT")
    for name, value in LOGIN.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    logging.getLogger("test").warning("%s %r %s", settings, settings, settings.model_dump_json())
    assert "gridcall" in caplog.text
    assert SECRET not in caplog.text
    monkeypatch.delenv("GRIDCALL_KAFKA_PASSWORD")
    monkeypatch.setenv("GRIDCALL_KAFKA_PASSWORD_FILE", str(files / "password"))
    assert client_security(Settings())["sasl_plain_password"] == SECRET


def test_every_client_logs_in() -> None:
    """Whoever connects to Kafka hands over what `client_security` gives: a new client that forgets it is found here."""
    forgot, found = [], 0
    for folder in ("deploy", "services", "shared"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    known = node.func.id in CLIENTS | {"Publisher"}
                    found += known
                    if known and not _logs_in(node, node.func.id):
                        forgot.append(f"{file.relative_to(ROOT)}:{node.lineno} {node.func.id}")
    assert found >= 8
    assert forgot == []


def _logs_in(call: ast.Call, name: str) -> bool:
    given = {keyword.arg for keyword in call.keywords}
    if name == "Publisher":
        return len(call.args) > 2 or "security" in given
    return bool({"security", None} & given)  # None is what stands behind two asterisks


def test_departments_do_not_reach_each_other() -> None:
    """Each may read its own orders and write its own updates; one whose name begins another's is kept out too."""
    profile = load_profile(find_profile("yucheng"))
    acls = wanted_acls(profile.departments, "gridcall.", "city-")
    mine = [acl for acl in acls if acl.principal == "User:city-department-huanwei"]
    assert [acl[1:] for acl in mine] == [
        ("read", "topic", "literal", "gridcall.dispatch.huanwei"),
        ("write", "topic", "literal", "gridcall.updates.huanwei"),
        ("read", "group", "literal", "city-department-huanwei"),
        ("read", "group", "prefixed", "city-department-huanwei."),
    ]
    assert [acl[1:] for acl in acls if acl.principal == "User:city-hotline"][:2] == [
        ("write", "topic", "literal", "gridcall.reports"),
        ("read", "topic", "literal", "gridcall.receipts"),
    ]
    assert len(acls) == len(set(acls)) == 3 + 4 + 4 * len(profile.departments)
    assert all(ours(acl.principal, "city-") for acl in acls)
    assert not ours(Acl("User:prometheus", "read", "topic", "literal", "x").principal, "")
