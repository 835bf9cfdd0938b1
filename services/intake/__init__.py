"""Is this a report, is it new, may we take it? And what may the person who asked know of it?"""
