#!/bin/bash
# Makes the example project: what a repository looks like after some days of work.
#
#   examples/quickstart/make-project.sh DIR      DIR is made anew
set -euo pipefail

project=$1
if [[ -e $project && ! -e $project/.quickstart ]]; then
  echo "make-project.sh: $project exists and isn't ours" >&2
  exit 1
fi
rm -rf "$project"
mkdir -p "$project"
cd "$project"
: >.quickstart

cat >.dockerignore <<'RULES'
.git
.quickstart
**/node_modules
target
logs/**
!logs/README
**/*.log
docs/drafts
RULES

cat >build.sh <<'BUILD'
# Builds the site: needs a clean tree, writes into it, and tidies up as builds do.
set -eu
echo "building in $PWD as uid $(id -u), platform API $CNB_PLATFORM_API"
[ ! -e node_modules ] && echo "node_modules is not here: installing our own"
mkdir -p node_modules/left-pad dist
echo "module.exports = s => s" > node_modules/left-pad/index.js
for page in pages/*.txt; do
  { echo "<h1>$(head -n 1 "$page")</h1>"; tail -n +2 "$page"; } > "dist/$(basename "$page" .txt).html"
done
echo "build $(ls dist | wc -l) pages" >> CHANGES
rm pages/old.txt
echo "wrote $(ls dist | wc -l) pages"
BUILD

mkdir -p pages docs/drafts logs/2024 target/debug packages/app/node_modules/dep
printf 'Welcome\nHello from the example.\n' >pages/index.txt
printf 'About\nA site made of text files.\n' >pages/about.txt
printf 'Old\nNobody reads this.\n' >pages/old.txt
echo "first release" >CHANGES
echo "how to write a page" >docs/writing
echo "unfinished" >docs/drafts/idea
echo "what the logs mean" >logs/README
echo "GET /" >logs/2024/access.log
echo "panic" >packages/app/debug.log
echo "require('dep')" >packages/app/index.js
echo "module.exports = 1" >packages/app/node_modules/dep/index.js
head -c 300000 /dev/zero >target/debug/site
for number in $(seq 200); do
  mkdir -p "node_modules/module-$number"
  echo "module.exports = $number" >"node_modules/module-$number/index.js"
done
git init --quiet
git -c user.name=example -c user.email=example@example.org -c commit.gpgsign=false \
  commit --quiet --allow-empty -m "first"
