"""What the machine gives, bundled: clock, randomness, disk. Tests hand in their own."""

from dataclasses import dataclass, field

from listbackup.clock import Clock, SystemClock
from listbackup.disk import Disk, SystemDisk
from listbackup.ids import Entropy, system_entropy


@dataclass(frozen=True, slots=True)
class Host:
    """The seams through which the outside world, and every fault, enters."""

    clock: Clock = field(default_factory=SystemClock)
    entropy: Entropy = system_entropy
    disk: Disk = field(default_factory=SystemDisk)
