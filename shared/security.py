"""How does a Kafka client prove who it is, and know that the broker is ours? The same answer for every client."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from faststream.security import BaseSecurity

    from shared.settings import Settings

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["SCRAM-SHA-256", "SCRAM-SHA-512"]


def client_security(settings: Settings) -> dict[str, Any]:
    """Give the arguments with which any aiokafka client logs in; none for PLAINTEXT. Raises OSError for a file."""
    if settings.kafka_security_protocol == "PLAINTEXT":
        return {}
    arguments: dict[str, Any] = {"security_protocol": settings.kafka_security_protocol}
    if settings.kafka_security_protocol.endswith("SSL"):
        arguments["ssl_context"] = ssl_context(
            settings.kafka_ca_file, settings.kafka_certificate_file, settings.kafka_key_file
        )
    if settings.kafka_security_protocol.startswith("SASL"):
        arguments |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_user,
            "sasl_plain_password": password(settings),
        }
    return arguments


def broker_security(settings: Settings) -> BaseSecurity | None:
    """Give the same for FastStream's KafkaBroker; None for PLAINTEXT."""
    from faststream.security import BaseSecurity, SASLScram256, SASLScram512  # noqa: PLC0415 - only services need it

    arguments = client_security(settings)
    if not arguments:
        return None
    context = arguments.get("ssl_context")
    if "sasl_mechanism" not in arguments:
        return BaseSecurity(context)
    scram = SASLScram256 if arguments["sasl_mechanism"] == "SCRAM-SHA-256" else SASLScram512
    return scram(
        arguments["sasl_plain_username"], arguments["sasl_plain_password"], context, use_ssl=context is not None
    )


def password(settings: Settings) -> str:
    """Give the password, from its variable or its file; a line end after it is not part of it."""
    if settings.kafka_password_file:
        return Path(settings.kafka_password_file).read_text(encoding="utf-8").rstrip("\r\n")
    return settings.kafka_password.get_secret_value()


def ssl_context(authority: str, certificate: str = "", key: str = "") -> ssl.SSLContext:
    """Give a context that checks the broker's certificate and host name; the system's authorities where none is named.

    Raises OSError (ssl.SSLError is one) for a file that cannot be read, or that does not hold what it should.
    """
    context = ssl.create_default_context(cafile=authority or None)
    if certificate:
        # An encrypted key would be asked for on the terminal: the empty password refuses it instead.
        context.load_cert_chain(certificate, key or None, password="")
    return context


# ---------------------------------------------------------------- what is wrong with a variable, "" for nothing


def wrong_password_file(file: str, also: str) -> str:
    """Look at the file of the password; `also` is the password that a variable gives."""
    if not file:
        return ""
    if also:
        return "set either this or GRIDCALL_KAFKA_PASSWORD, not both"
    try:
        content = Path(file).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        return "name a file that this process may read and that holds the password"
    return "" if content else "name a file that holds the password: this one is empty"


def wrong_authority(file: str) -> str:
    """Look at the file of the certificate authority."""
    try:
        if file:
            ssl_context(file)
    except OSError:
        return "name a file that this process may read and that holds the authority's certificate in PEM"
    return ""


def wrong_key(certificate: str, key: str) -> str:
    """Look at the client's certificate and key."""
    if not certificate:
        return "set GRIDCALL_KAFKA_CERTIFICATE_FILE too, which holds the certificate of this key" if key else ""
    try:
        ssl_context("", certificate, key)
    except OSError:
        return (
            "name a file that holds, in PEM and not encrypted, the key of the certificate in "
            "GRIDCALL_KAFKA_CERTIFICATE_FILE (empty: that file holds both)"
        )
    return ""


def wrong_protocol(protocol: str, given: dict[str, Any]) -> str:
    """Look whether the protocol goes with the other variables: what is left out, and what nobody would look at."""
    sasl, tls = protocol.startswith("SASL"), protocol.endswith("SSL")
    secret = given.get("kafka_password") or given.get("kafka_password_file")
    if sasl and not given.get("kafka_user"):
        return "it needs a user: set GRIDCALL_KAFKA_USER"
    if sasl and not secret:
        return "it needs a password: set GRIDCALL_KAFKA_PASSWORD or GRIDCALL_KAFKA_PASSWORD_FILE"
    if not sasl and (given.get("kafka_user") or secret):
        return "user and password need SASL_SSL or SASL_PLAINTEXT: set that, or unset GRIDCALL_KAFKA_USER and password"
    if not tls:
        for name in ("kafka_ca_file", "kafka_certificate_file", "kafka_key_file"):
            if given.get(name):
                return f"certificates need SSL or SASL_SSL: set that, or unset GRIDCALL_{name.upper()}"
    return ""
