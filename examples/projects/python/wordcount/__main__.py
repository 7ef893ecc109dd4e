"""python3 -m wordcount FILE: the words of a file, and how often each occurs."""

import sys

from wordcount.count import count

for word, times in sorted(count(open(sys.argv[1], encoding="utf-8").read()).items()):
    print(times, word)
