"""What the services share: process, wire, worker, artifacts."""
