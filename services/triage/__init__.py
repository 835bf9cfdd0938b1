"""What is it, where, how serious, and whose?"""
