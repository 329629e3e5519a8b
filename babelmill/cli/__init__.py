"""The `babelmill` command.

`main` assembles the commands: translate, transcode, jobs (watch, jobs, get,
cancel), artifacts (upload, download) and catalog. `session` opens the client
and turns errors into exit codes; `screen` is all that is ever printed;
`following` watches a job with bars, lines or JSON.
"""
