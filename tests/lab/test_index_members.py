"""A partition of an index has its items at every moment, though expired ones are deleted by another thread."""

import sys
from unittest.mock import Mock

from lab.aws.overlay.index_members import Members


def test_while_one_item_is_removed_the_others_are_found():
    index = Mock()
    index.found.return_value = ["kept"]
    members = Members(index, "x")
    members["base", "kept"] = members["base", "removed"] = None
    found = []

    def at_each_line(frame, event, _):
        if frame.f_code is Members.pop.__code__:
            found.append(list(members))
            return at_each_line
        return None

    before = sys.gettrace()
    sys.settrace(at_each_line)
    try:
        members.pop(("base", "removed"), None)
    finally:
        sys.settrace(before)
    assert len(found) > 2
    assert all(each == [("base", "kept")] for each in found)
    members.pop(("base", "kept"), None)
    assert not members
