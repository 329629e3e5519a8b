"""Where large bytes lie: the artifact store and its local implementation."""
