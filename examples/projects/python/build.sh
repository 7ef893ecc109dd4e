# Tests, and a program in one file.
set -eu
python3 -m unittest --quiet
mkdir -p build/app dist
cp -r wordcount build/app
cp wordcount/__main__.py build/app
python3 -m zipapp build/app --output dist/wordcount.pyz
python3 dist/wordcount.pyz data/words.txt
