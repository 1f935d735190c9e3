"""No operation without a test: by the end of the run Twilio's library has had done all that can be done."""

import re

from world import SOURCE


def operations():
    """From each operation's name to Twilio's names for it, on the short paths and below a service."""
    source = (SOURCE / "operation.rs").read_text()
    pairs = re.findall(r'Self::(\w+) => \{?\s*\("(\w+)", "(\w+)"\)', source)
    count = int(re.search(r"const ALL: \[Self; (\d+)\]", source)[1])
    assert len(pairs) == count, "every operation was found in the source"
    return {name[0].lower() + name[1:]: names for name, *names in pairs}


def test_twilios_library_runs_every_operation_on_each_family_of_paths(seen):
    known = operations()
    done = {
        known[operation]["/Services/" in path]
        for operation, path, status in seen
        if operation and status is not None and status < 300
    }
    every = {name for names in known.values() for name in names}
    assert every - done == set()
