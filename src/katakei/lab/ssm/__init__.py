"""Run Command as AWS Systems Manager does it: what may be asked, what an agent does with it, what can be read then.
Nothing here knows of load balancers; the wire protocol is left to moto.
"""
