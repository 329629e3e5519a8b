"""JSON and protobuf: words, jobs, submissions, events, artifacts, catalogue."""
