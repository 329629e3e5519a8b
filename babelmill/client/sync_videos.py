"""Subtitles and localized videos through blocking calls."""

from collections.abc import Mapping, Sequence

from babelmill.client import requests, videos
from babelmill.client.sync_documents import SyncDocuments
from babelmill.client.upload_source import OnBytes, Uploadable
from babelmill.jobs.v1 import artifact_pb2, job_pb2
from babelmill.media.v1 import subtitles_pb2
from babelmill.translation.v1 import translation_pb2


class SyncVideos(SyncDocuments):
    """Submits what changes a media file's subtitles.

    Files are artifacts, or paths, bytes or files that are uploaded first.
    Tracks are described by `videos.track_choice`. Every call is repeatable by
    its `request_id`, as `translate_text` is.
    """

    def localize_video(
        self,
        video: artifact_pb2.Artifact | Uploadable,
        source: str = "",
        targets: Sequence[str] | str = (),
        *,
        subtitles: artifact_pb2.Artifact | Uploadable | None = None,
        charset: str = "",
        track: subtitles_pb2.TrackChoice | None = None,
        options: translation_pb2.TranslationOptions | None = None,
        container: videos.ContainerName = "",
        replace: bool = False,
        burn_in: str = "",
        filename: str | None = None,
        priority: requests.PriorityName = "normal",
        request_id: str | None = None,
        labels: Mapping[str, str] | None = None,
        deadline: requests.Deadline = None,
        on_bytes: OnBytes | None = None,
    ) -> job_pb2.Job:
        """Make a video with its subtitles in other languages.

        They are those of `subtitles`, of the chosen track, or of the first
        text track. The job's target "video" has a track for every language
        that succeeded; with `burn_in`, one of the languages, "burned_in" has
        its words in the pictures.
        """
        request_id = request_id or requests.new_request_id()
        video_id = self._id_of(request_id, video, filename, on_bytes)
        subtitles_id = "" if subtitles is None else self._id_of(request_id, subtitles)
        return self.create_job(
            videos.localize_spec(
                video_id,
                source,
                targets,
                subtitles_id=subtitles_id,
                charset=charset,
                track=track,
                how=options,
                container=container,
                replace=replace,
                burn_in=burn_in,
            ),
            priority=priority,
            request_id=request_id,
            labels=labels,
            deadline=deadline,
        )

    def extract_subtitles(
        self,
        media: artifact_pb2.Artifact | Uploadable,
        *,
        track: subtitles_pb2.TrackChoice | None = None,
        subtitle_format: videos.SubtitleFormatName = "",
        filename: str | None = None,
        priority: requests.PriorityName = "normal",
        request_id: str | None = None,
        labels: Mapping[str, str] | None = None,
        on_bytes: OnBytes | None = None,
    ) -> job_pb2.Job:
        """Take one text track out of a media file, or all of them."""
        request_id = request_id or requests.new_request_id()
        media_id = self._id_of(request_id, media, filename, on_bytes)
        return self.create_job(
            videos.extract_spec(media_id, track, subtitle_format),
            priority=priority,
            request_id=request_id,
            labels=labels,
        )

    def convert_subtitles(
        self,
        subtitles: artifact_pb2.Artifact | Uploadable,
        subtitle_format: videos.SubtitleFormatName,
        *,
        charset: str = "",
        filename: str | None = None,
        priority: requests.PriorityName = "normal",
        request_id: str | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> job_pb2.Job:
        """Change a subtitle file's format; the result is UTF-8."""
        request_id = request_id or requests.new_request_id()
        file_id = self._id_of(request_id, subtitles, filename)
        return self.create_job(
            videos.convert_spec(file_id, subtitle_format, charset),
            priority=priority,
            request_id=request_id,
            labels=labels,
        )

    def mux_subtitles(
        self,
        media: artifact_pb2.Artifact | Uploadable,
        tracks: Sequence[videos.NewTrack],
        *,
        container: videos.ContainerName = "",
        replace: bool = False,
        filename: str | None = None,
        priority: requests.PriorityName = "normal",
        request_id: str | None = None,
        labels: Mapping[str, str] | None = None,
        on_bytes: OnBytes | None = None,
    ) -> job_pb2.Job:
        """Add subtitle files to a media file, as tracks."""
        request_id = request_id or requests.new_request_id()
        media_id = self._id_of(request_id, media, filename, on_bytes)
        named = [(self._id_of(request_id, track.content), track) for track in tracks]
        return self.create_job(
            videos.mux_spec(media_id, named, container=container, replace=replace),
            priority=priority,
            request_id=request_id,
            labels=labels,
        )

    def burn_in_subtitles(
        self,
        media: artifact_pb2.Artifact | Uploadable,
        *,
        subtitles: artifact_pb2.Artifact | Uploadable | None = None,
        language: str = "",
        charset: str = "",
        track: subtitles_pb2.TrackChoice | None = None,
        filename: str | None = None,
        priority: requests.PriorityName = "normal",
        request_id: str | None = None,
        labels: Mapping[str, str] | None = None,
        on_bytes: OnBytes | None = None,
    ) -> job_pb2.Job:
        """Draw a subtitle file, or a track of the video, into the pictures."""
        request_id = request_id or requests.new_request_id()
        media_id = self._id_of(request_id, media, filename, on_bytes)
        subtitles_id = "" if subtitles is None else self._id_of(request_id, subtitles)
        return self.create_job(
            videos.burn_in_spec(
                media_id,
                subtitles_id=subtitles_id,
                language=language,
                charset=charset,
                track=track,
            ),
            priority=priority,
            request_id=request_id,
            labels=labels,
        )

    def _id_of(
        self,
        request_id: str,
        content: artifact_pb2.Artifact | Uploadable,
        filename: str | None = None,
        on_bytes: OnBytes | None = None,
    ) -> str:
        if not isinstance(content, artifact_pb2.Artifact):
            content = self._upload_for(request_id, content, filename, on_bytes)
        return content.artifact_id
