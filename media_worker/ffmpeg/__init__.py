"""Everything that knows how ffmpeg is called and what it says.

Pure: command, media_info, stream_dump, packet_scan, progress, failures, measurement.
Processes: launcher (a process of its own), runner, probe.
"""
