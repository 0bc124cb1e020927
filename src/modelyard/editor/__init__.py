"""What an editor asks of a repository that somebody is typing in: findings, meanings, completions, fixes, definitions.

Nothing here knows a protocol but `server`, which speaks that of language servers.
"""
