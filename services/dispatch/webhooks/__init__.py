"""How do departments without Kafka get their orders and answer? Webhooks, a feed to pull, and updates by HTTP."""
