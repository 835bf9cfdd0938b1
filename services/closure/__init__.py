"""Is it really done, and does the person agree?"""
