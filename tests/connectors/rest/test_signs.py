"""What a page says besides its records is believed within reason."""

import pytest

from listbackup.connectors.rest.signs import find_total


@pytest.mark.parametrize("told", ["9" * 5000, "12x", "", "-3", "²", "٣"])
def test_a_total_in_a_header_that_is_no_count_is_not_there(told: str) -> None:
    assert find_total(b'{"total": 5}', {"x-total-count": told}) == ("total", 5)
    assert find_total(b"{}", {"x-total-count": " 12 "}) == ("x-total-count", 12)
