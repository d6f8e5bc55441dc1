"""The AWS endpoint over HTTP: requests, faults, error dialects, the `/_lab` API and the call log."""
