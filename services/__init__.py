"""Which services are there? intake, triage, dispatch, closure, sla and desk; none imports another."""
