import unittest

from wordcount.count import count


class CountTest(unittest.TestCase):
    def test_counts_words(self):
        self.assertEqual(count("a b a"), {"a": 2, "b": 1})
