"""What another tenant asks of every method and route: a new one gets its entry here.

Requests name the owner's things as {job} and the like; see belongings.
"""

from typing import Any

Form = dict[str, Any]  # Any: JSON

TRANSCODE: Form = {"spec": {"transcode": {"artifact_id": "{artifact}", "preset": "mp3"}}}
WITH_GLOSSARY: Form = {
    "spec": {
        "translate_text": {
            "text": "Hello.",
            "source_language": "en",
            "target_languages": ["pt"],
            "options": {"glossary_ids": ["{glossary}"]},
        }
    }
}
JOB, ENDED = {"job_id": "{job}"}, {"job_id": "{ended}"}
ARTIFACT, GLOSSARY, WEBHOOK = (
    {"artifact_id": "{artifact}"},
    {"glossary_id": "{glossary}"},
    {"webhook_id": "{webhook}"},
)

# Named here, another tenant's thing is not there. The last ones change it, for its owner.
HIDDEN: dict[str, list[Form]] = {
    "JobService/CreateJob": [TRANSCODE, WITH_GLOSSARY],
    "JobService/BatchCreateJobs": [{"requests": [TRANSCODE]}],
    "JobService/GetJob": [JOB, ENDED],
    "JobService/WatchJob": [JOB, {**JOB, "after_sequence": 0}, ENDED],
    "JobService/ListJobEvents": [JOB],
    "JobService/RetryJob": [ENDED, JOB],
    "JobService/CancelJob": [JOB],
    "ArtifactService/GetArtifact": [ARTIFACT],
    "ArtifactService/DownloadArtifact": [ARTIFACT],
    "QueueService/ReplayDeadLetters": [{"job_ids": ["{ended}"]}],
    "GlossaryService/GetGlossary": [GLOSSARY],
    "WebhookService/GetWebhook": [WEBHOOK],
    "WebhookService/ListDeliveries": [WEBHOOK],
    "WebhookService/RotateWebhookSecret": [WEBHOOK],
    "WebhookService/DisableWebhook": [WEBHOOK],
    "WebhookService/EnableWebhook": [WEBHOOK],
    "WebhookService/PingWebhook": [WEBHOOK],
    "WebhookService/RedeliverEvent": [{**WEBHOOK, **JOB, "sequence": 1}],
    "WebhookService/RecoverEvents": [{**WEBHOOK, "start_time": "2026-01-01T00:00:00Z"}],
    "WebhookService/DeleteWebhook": [WEBHOOK],
    "GlossaryService/DeleteGlossary": [GLOSSARY],
    "JobService/DeleteJob": [ENDED],
}
# These name no thing, or a new one of the caller's own: the answer is the caller's alone.
OWN: dict[str, list[Form]] = {
    "JobService/ListJobs": [{}, {"filter": {"labels": {"owner": "zanzibar-6f1c0b7e"}}}],
    "ArtifactService/ListArtifacts": [{}, {"filename": "zanzibar-6f1c0b7e.txt"}],
    "ArtifactService/UploadArtifact": [{"header": {"filename": "mine.txt"}}],
    "CatalogService/ListEngines": [{}],
    "CatalogService/ListLanguagePairs": [{}],
    "CatalogService/ListFormats": [{}],
    "CatalogService/ListPresets": [{}],
    "QueueService/ListQueues": [{}],
    "QueueService/ListDeadLetters": [{}],
    "GlossaryService/CreateGlossary": [
        {"display_name": "mine", "source_language": "en", "terms": [{"source": "a"}]}
    ],
    "GlossaryService/ListGlossaries": [{}],
    "WebhookService/CreateWebhook": [{"url": "http://127.0.0.1:9/mine"}],
    "WebhookService/ListWebhooks": [{}],
}
# Whatever these have, and will have, is refused.
OPERATORS_ONLY = "babelmill.jobs.v1.AdminService"
WORKERS_ONLY = "babelmill.jobs.v1.WorkerService"

# The path's parameters of routes.
PARAMETERS = {
    "job_id": "{job}",
    "message_id": "{job}",
    "artifact_id": "{artifact}",
    "glossary_id": "{glossary}",
    "webhook_id": "{webhook}",
    "language": "pt",
    "target": "pt",
    "filename": "x.txt",
}
# Bodies of routes with a thing in their path, where one is needed to get that far.
BODIES: dict[str, Form] = {
    "POST /messages/{message_id}/status": {"status": "cancelled"},
    "POST /v1/webhooks/{webhook_id}/redeliver": {"job_id": "{job}", "sequence": 1},
    "POST /v1/webhooks/{webhook_id}/recover": {"start_time": "2026-01-01T00:00:00Z"},
}
# Routes without one that name another's thing in their body.
NAMING: dict[str, Form] = {
    "POST /v1/jobs": TRANSCODE,
    "POST /v1/jobs:batch": {"requests": [TRANSCODE]},
    "POST /v1/dead-letters:replay": {"job_ids": ["{ended}"]},
    "POST /messages/process": {"message_id": "{job}"},
}
# Routes that make something of the caller's own; an empty body is refused, which is well.
MAKING = {
    "POST /v1/artifacts",
    "POST /v1/glossaries",
    "POST /v1/webhooks",
    "POST /jobs/",
    "POST /messages",
    "POST /api/v1/upload",
    "POST /api/v1/submit_job",
    "POST /api/v1/translation-jobs",
    "POST /api/v1/translation-jobs:batch",
    "POST /api/v1/translation-jobs/batch",
}
# For who asks for a WebSocket.
SOCKETS = {"GET /v1/jobs/{job_id}/ws", "GET /api/v1/translation-jobs/{job_id}/ws"}
# An id of one's own choice: another tenant may have chosen the same.
CHOSEN = {"PUT /v1/artifacts/{artifact_id}"}
OPEN = {"GET /", "GET /healthz", "GET /readyz", "GET /api/v1/translation-jobs/health"}
