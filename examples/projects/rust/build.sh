# Cargo's own directory is in /tmp: nothing but the workspace is written.
set -eu
export CARGO_HOME=/tmp/cargo
cargo test --quiet --offline --locked >/tmp/test.log 2>&1 || { cat /tmp/test.log; exit 1; }
cargo build --quiet --release --offline --locked
target/release/primes
