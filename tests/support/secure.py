"""How does a test get a Kafka that lets nobody in without a password? TLS, SCRAM users, an authorizer."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from deploy.local.processes import port_is_free
from deploy.local.servers import QUICK_JIT, Kafka, kafka_lets_in
from shared.chance import random_id
from shared.security import client_security
from shared.settings import Settings

ADMIN = "admin"
MECHANISM = "SCRAM-SHA-512"
BEGINS, ENDS = datetime(2020, 1, 1, tzinfo=UTC), timedelta(days=365 * 100)
SECURE = """
listeners=SASL_SSL://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=SASL_SSL://127.0.0.1:{port}
inter.broker.listener.name=SASL_SSL
listener.security.protocol.map=SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={login} required username="admin" password="{password}";
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config={login} required;
ssl.keystore.type=PEM
ssl.keystore.location={broker}
ssl.truststore.type=PEM
ssl.truststore.location={authority}
listener.name.sasl_ssl.ssl.client.auth={client_auth}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
# The controller's listener is of this node alone.
super.users=User:admin;User:ANONYMOUS
"""


class SecureKafka(Kafka):
    """A Kafka with TLS, an authorizer, and SCRAM users with passwords of their own; `admin` may do everything."""

    def __init__(self, folder: Path, *users: str, mutual: bool = False) -> None:
        """Make up passwords; certificates are made with the first start. `mutual`: clients show one too."""
        super().__init__(folder, flags=QUICK_JIT)
        self._mutual = mutual
        self.passwords = {user: random_id() for user in (ADMIN, *users)}
        self.authority, self.broker = self.folder / "authority.pem", self.folder / "broker.pem"

    def prepare(self) -> None:
        """Write certificates and configuration; the first time format the data folder with the users in it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.authority.exists():
            certificates(self.authority, self.broker)
        super().prepare()
        with self.properties.open("a", encoding="utf-8") as properties:
            properties.write(self._secure())

    def answers(self) -> bool:
        """Tell whether the broker lets its administrator in."""
        return not port_is_free(self.port) and kafka_lets_in(
            self.address, client_security(Settings(**self.client(ADMIN)))
        )

    def client(self, user: str, mechanism: str = MECHANISM) -> dict[str, Any]:
        """Give the settings with which a client logs in as a user."""
        return {
            "kafka": self.address,
            "kafka_security_protocol": "SASL_SSL",
            "kafka_sasl_mechanism": mechanism,
            "kafka_user": user,
            "kafka_password": self.passwords[user],
            "kafka_ca_file": str(self.authority),
            "kafka_certificate_file": str(self.broker) if self._mutual else "",
        }

    def _secure(self) -> str:
        return SECURE.format(
            port=self.port,
            controller_port=self.controller_port,
            broker=self.broker,
            authority=self.authority,
            login="org.apache.kafka.common.security.scram.ScramLoginModule",
            password=self.passwords[ADMIN],
            client_auth="required" if self._mutual else "none",
        )

    def format(self) -> None:
        """Format the data folder with the users in it."""
        users = [
            argument
            for user, password in self.passwords.items()
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
            for argument in ("--add-scram", f"{mechanism}=[name={user},password={password}]")
        ]
        tool = [*self._java("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"), "kafka.tools.StorageTool", "format"]
        arguments = ["-t", "gridcall-local-node-01", "-c", str(self.properties)]
        done = subprocess.run([*tool, *arguments, *users], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def certificates(authority: Path, broker: Path) -> None:
    """Write an authority's certificate, and the key and certificate of a broker on 127.0.0.1 that it has signed."""
    authority_key, broker_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    signed = (
        _builder(name, name, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(authority_key, SHA256())
    )
    authority.write_bytes(signed.public_bytes(Encoding.PEM))
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    issued = _builder(subject, name, broker_key).add_extension(here, critical=False).sign(authority_key, SHA256())
    key = broker_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    broker.write_bytes(key + issued.public_bytes(Encoding.PEM))


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGINS)
        .not_valid_after(BEGINS + ENDS)
    )
