"""What happens to timers when their service is killed again and again?"""
