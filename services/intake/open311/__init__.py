"""How do Open311 clients hand in a request and read how far it is? GeoReport v2, in XML and in JSON."""

from services.intake.open311.door import add_open311 as add_open311
