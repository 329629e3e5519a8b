"""The words of other systems: their clients' paths and shapes, for the same jobs."""
