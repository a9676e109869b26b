"""A browser with a person who consents, or not: opens a page, presses a button, goes where it is
sent. Called as `browser.py DECISION URL`."""

import re
import sys
import urllib.error
import urllib.parse
import urllib.request


def press(url: str, decision: str, account: str | None = None) -> str:
    """Give the page at the end; what is refused is a page, too."""
    with urllib.request.urlopen(url, timeout=20) as answer:
        page = answer.read().decode()
    found = re.search(r'name="ticket" value="([^"]+)"', page)
    action = re.search(r'action="([^"]+)"', page)
    chosen = account or re.search(r'option value="([^"]+)"', page)[1]  # type: ignore[index]
    assert found is not None
    assert action is not None
    form = {"ticket": found[1], "decision": decision, "account": chosen}
    where = urllib.parse.urljoin(url, action[1])
    with urllib.request.urlopen(where, urllib.parse.urlencode(form).encode()) as answer:
        return str(answer.read().decode())


if __name__ == "__main__":
    press(sys.argv[2], sys.argv[1])
