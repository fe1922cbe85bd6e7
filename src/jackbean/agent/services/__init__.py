"""What an instance has in place of systemd, cron, sudo and a package manager.

All of it lives as long as the agent, whatever is deployed.
"""
