"""One key makes others, one for each purpose."""

from listbackup.crypto.deriving import derive_key
from listbackup.crypto.sealing import make_key
from listbackup.testing.hosts import SeededEntropy


def test_each_purpose_and_each_parent_has_a_key_of_its_own_that_stays_the_same() -> None:
    one, other = (make_key(SeededEntropy(seed)) for seed in (1, 2))
    made = [derive_key(parent, purpose) for parent in (one, other) for purpose in ("a", "b")]
    assert len({(key.id, key.secret) for key in made}) == 4
    assert len({key.secret for key in made}) == 4
    assert derive_key(one, "a") == made[0]
    assert made[0].secret not in (one.secret, other.secret)
