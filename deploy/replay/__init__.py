"""What happens when a recorded day is played again? Reports go in by the hotline, and people act as recorded."""
