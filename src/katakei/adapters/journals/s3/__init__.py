"""A journal in Amazon S3, for those who have no server: every write is conditional, every event an object of its own.

The events are the truth. Whatever else is kept (catalogue, snapshots) can be derived from them, and errs to the safe
side when a process dies between two writes.
"""

from katakei.adapters.journals.s3.bucket import Bucket
from katakei.adapters.journals.s3.journal import S3Journal
from katakei.adapters.journals.s3.leases import S3Leases

__all__ = ["Bucket", "S3Journal", "S3Leases"]
