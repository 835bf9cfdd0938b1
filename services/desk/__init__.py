"""What do people see, and what do they ask for? The desk: read models, queries, commands."""
