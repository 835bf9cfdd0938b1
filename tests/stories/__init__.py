"""What happens on the day of each profile?"""
