"""The reader of `until: requests`: a program for targets that knows from the packets how many requests are pending.

It is sent to targets as text (`reader_program.py`) and runs there with Python 3.6 or later and its standard library.
So these modules use no newer syntax: annotations that Python 3.6 cannot evaluate are quoted. They import only each
other, with `from ... import` on one line, because they become one program.
"""
