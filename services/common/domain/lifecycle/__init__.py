"""Every change of a job, a part and a slot, from what is to what will be. Pure.

A function here says what changes; the store writes that, provided that the record is still in one of the states from
which the transition leads (`services/common/store/changes.py`). Times are epoch milliseconds.
"""
