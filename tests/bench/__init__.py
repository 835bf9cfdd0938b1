"""How fast is gridcall on this machine, and where does the time go?"""
