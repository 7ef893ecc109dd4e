import collections


def count(text):
    return collections.Counter(text.split())
