"""What clients do over the API, done on the table: for operators, and for deployments without the API."""

from __future__ import annotations

from services.cli.commands import group
from services.cli.operator import callbacks, jobs

app = group(help="Jobs and callbacks without the API, whoever's they are.")
app.add_typer(jobs.app, name="jobs")
app.add_typer(callbacks.app, name="callbacks")
