"""What to do next, and why: values in, values out.

Nothing in this room does input or output, asks the time, draws a random number, writes a log or knows a driver by name.
"""
