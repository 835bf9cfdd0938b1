"""What do tests share?"""
