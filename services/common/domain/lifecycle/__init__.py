"""Every change of a job, a part and a slot. Pure.

A function here returns the change of a record. The store writes it, on the condition that the item is still in one
of the states from which the transition leads (`services/common/store/changes.py`). Times are epoch milliseconds.
"""
