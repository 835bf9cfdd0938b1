"""How does a service read its partitions so that nothing is lost and nothing is done twice?"""
