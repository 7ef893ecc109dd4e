"""Adds up JUnit files: prints the names of failed tests, then `PASSED FAILED SKIPPED`.

    python3 tests/lab/junit.py FILE...
"""

import sys
import xml.etree.ElementTree


def outcome(case):
    """failed, skipped or passed, in the words of ctest and of pytest."""
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    if case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
        return "skipped"
    if case.get("status") == "fail" or case.get("result") == "error":
        return "failed"
    return "passed"


def main(paths):
    outcomes = {}
    for path in paths:
        for case in xml.etree.ElementTree.parse(path).iter("testcase"):
            name = f"{case.get('classname')}.{case.get('name')}"
            # pytest writes a second entry for a test whose clean-up failed.
            previous = outcomes.get((path, name))
            if previous != "failed":
                outcomes[path, name] = outcome(case)
    for (_, name), result in outcomes.items():
        if result == "failed":
            print(f"FAILED {name}", file=sys.stderr)
    results = list(outcomes.values())
    print(*(results.count(kind) for kind in ("passed", "failed", "skipped")))


if __name__ == "__main__":
    main(sys.argv[1:])
