"""CloudFormation of the lab: stacks from templates, made by calls to the lab's own AWS services.

What it does not know of a template or a call is refused with a sentence, and never skipped.
"""
