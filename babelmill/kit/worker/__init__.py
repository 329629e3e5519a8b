"""The worker shell: one step attempt from broker message to reported outcome."""
