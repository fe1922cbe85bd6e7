"""Instance reports in; colour, status and causes out.

Everything here is a pure comparison: `metrics` folds reports into a window, `instances` and
`census` judge by tables of rules, `damping` decides what is worth telling, `transitions` words it.
Whoever calls brings the time and keeps the memory.
"""
