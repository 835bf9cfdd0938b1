"""Who handles it now?"""
