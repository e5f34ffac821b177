"""A Jinja sandbox in which nothing grows without bound.

Every operation of a template that reads or makes a value is one of ours, which charges a budget
before it works. What is not on a list (of nodes, filters, tests, methods, functions) is refused.
"""
