"""What must have happened by when, and what if it has not?"""
