"""Instances as processes of this machine: sandboxed where it allows, in folders where not.

engine       ports.Engine                      dependencies  ports.Dependencies
supervise    shims: what holds a program when the control plane is gone
probe        which mode is possible here; prepare makes the machine ready for it
"""
