"""Subtitles: out of media files, into them as tracks, into their pictures, and as files.

`reading` takes a client's file apart from its charset on; `tracks` chooses among a media file's;
`extracting`, `converting`, `muxing` and `burning` are the handlers. Whatever ffmpeg is given to
read as subtitles bears a name and a format that were chosen here.
"""
