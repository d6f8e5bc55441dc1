"""The adversary of a simulation: what it may do, and how often."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Adversary:
    """What the adversary does, as fractions of calls, of targets, or of moments."""

    lost: float = 0.0  # a call fails before it did anything
    late: float = 0.0  # a call did its work, but the answer was lost
    wire: float = 0.0  # a call times out, and lands some seconds later all the same
    lies: float = 0.0  # a call says success and does nothing
    slow: float = 0.0  # an act waits for its thread and returns in a later turn
    crash: float = 0.0  # the process dies at a call
    pause: float = 0.0  # the process is suspended at a call, is taken over, and then continues
    stopped: float = (
        0.0  # the hypervisor stops the machine and its clocks at a call; the wall clock is set right afterwards
    )
    stale: float = 0.0  # an observation shows the state of some seconds ago
    unseen: float = 0.0  # an observation has no answer
    blind: float = 0.0  # from this observation on a group cannot be observed for a while; calls go through
    denied: float = 0.0  # from this call on every call is denied for a while
    gone: float = 0.0  # from this call on the whole endpoint cannot be reached for minutes
    paper: float = 0.0  # the journal cannot be written, or says so although it was
    slow_append: float = 0.0  # an append takes long
    slow_renew: float = 0.0  # a renewal of the lease takes long
    falls: float = 0.0  # a serving registration is unhealthy for a while, or its zone is shifted away
    strangers: float = 0.0  # somebody else registers or deregisters one
    edits: float = 0.0  # somebody changes a group's attributes
    deleted: float = 0.0  # somebody deletes a group
    born: float = 0.0  # somebody registers a new machine
    killed: float = 0.0  # somebody terminates a machine
    breaks: float = 0.0  # a machine that was worked on is unhealthy for long: the release was bad
    bad_work: float = 0.0
    hangs: float = 0.0
    interrupted: float = 0.0  # the machine reboots in the middle of the work
    refused: float = 0.0  # the target will not start the work
    undelivered: float = 0.0  # the job is taken, but never comes to the target
    emptied: float = (
        0.0  # somebody empties a state folder, or brings up the machine from an image or with another folder
    )
    unmarked: float = 0.0  # a mark in a state folder is deleted
    mute: float = 0.0  # the mark or the check gives no answer
    unseeable: float = 0.0  # a target whose traffic the probe cannot see
    bad_check: float = 0.0  # a target that is not healthy after its work, and says so when asked
    sick: float = 0.0  # one that never becomes healthy after its work
    refuses: float = 0.0  # a machine that ELBv2 will not register
    lingers: float = 0.0  # an address that ELBv2 will not register for some seconds after it has left
    mad: float = 0.0  # a target on whose account every driver fails or answers nonsense
    blocked: float = 0.0  # the loop stands still at a call, while the heartbeat's thread runs on
