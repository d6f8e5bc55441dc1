"""Run Command of AWS Systems Manager: its API, its agents and its results. moto does the JSON protocol."""
