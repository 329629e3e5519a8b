"""Everything that knows how ffmpeg is called and what it says.

Pure: command, media_info, stream_dump, packet_scan, progress, failures, measurement.
Processes: starter and launcher (processes of their own), starting, runner, probe.
"""
