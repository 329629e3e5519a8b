"""What Babelmill is compared with: small services as people write them.

Rooms: submit_app (FastAPI + Celery), round_trip (a bare Celery task),
events_app (Server-Sent Events from Redis).
"""
