"""A journal in Amazon S3, for teams without a server: every write is conditional, every append an object of its own.

The events are the truth. Everything else (catalog, snapshots) can be derived from them. When a process dies between
two writes, the rest errs on the safe side.
"""

from katakei.adapters.journals.s3.bucket import Bucket
from katakei.adapters.journals.s3.freezes import S3Freezes
from katakei.adapters.journals.s3.journal import S3Journal
from katakei.adapters.journals.s3.leases import S3Leases

__all__ = ["Bucket", "S3Freezes", "S3Journal", "S3Leases"]
