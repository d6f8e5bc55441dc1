"""The journals: where events are kept, and who may write them. A journal decides nothing and changes no event."""
