# From a clean tree: no installed modules of another platform, no output of yesterday.
set -eu
node --test test/ >/tmp/test.log || { cat /tmp/test.log; exit 1; }
node build.js
cat dist/index.html
