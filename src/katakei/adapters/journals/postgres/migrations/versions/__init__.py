"""The versions of the schema, one file each, in the order of their numbers. A part adds its tables by one file.

A file has `revision` (four digits), `down_revision` (the number before) and `upgrade`. There is no way back: a backup
is. What a version creates is written out here and not taken from the code, which goes on changing.
"""
