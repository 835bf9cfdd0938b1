"""What do all services have in common? The language (messages, ids, topics, clock, errors) and the partition loop."""
