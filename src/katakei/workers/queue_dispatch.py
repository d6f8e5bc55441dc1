"""The dispatch of a server beside workers: it hands every rollout to them and drives none itself."""

import logging
from datetime import timedelta

from katakei.domain.errors import KatakeiError
from katakei.domain.model import RolloutId
from katakei.domain.plan import Plan
from katakei.runtime.session import RolloutSession
from katakei.runtime.session_host import Done
from katakei.workers.database import Database
from katakei.workers.job_queue import JobQueue

log = logging.getLogger(__name__)


class QueueDispatch:
    """Hands rollouts to workers by the task queue (`katakei.app.dispatch.Dispatch`)."""

    def __init__(self, url: str) -> None:
        """Connects when it is first asked.

        Args:
            url: The PostgreSQL database of the journal, with the password.
        """
        self._database = Database(url)
        self.queue = JobQueue(self._database)

    def start(self, session: RolloutSession, done: Done = lambda: None) -> None:
        """Gives the lease back, having written nothing, and offers the rollout to the workers.

        A queue that does not answer loses nothing: the sweep of every worker finds the rollout.
        """
        rollout = session.plan.rollout
        session.close()
        done()
        try:
            self.queue.adopt(rollout)
        except KatakeiError as error:
            log.warning("rollout not offered", extra={"facts": {"rollout": rollout, "error": str(error)}})

    def wake(self, rollout: RolloutId, plan: Plan) -> None:
        """As the port says. Without an answer of the queue, the command is read at the next turn that is due."""
        del plan
        try:
            self.queue.wake(rollout)
        except KatakeiError as error:
            log.warning("turn not woken", extra={"facts": {"rollout": rollout, "error": str(error)}})

    def close(self, within: timedelta = timedelta()) -> None:
        """Closes the connections; the workers go on."""
        del within
        self._database.close()
