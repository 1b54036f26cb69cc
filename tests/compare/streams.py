"""Streams that both sides read."""

from __future__ import annotations

# Before any record: the first run reads everything by the same request as later ones.
BEGINNING = "2000-01-01T00:00:00Z"

# Listings with `updated_since`.
LISTINGS = [
    "clients", "contacts", "invoices", "invoice_item_categories", "estimates", "estimate_item_categories",
    "expenses", "expense_categories", "tasks", "time_entries", "user_assignments", "task_assignments", "projects",
    "users",
]

# Children: name, parent, path below the parent, name of the list.
CHILDREN = [
    ("invoice_messages", "invoices", "messages", "invoice_messages"),
    ("invoice_payments", "invoices", "payments", "invoice_payments"),
    ("estimate_messages", "estimates", "messages", "estimate_messages"),
    ("user_billable_rates", "users", "billable_rates", "billable_rates"),
    ("user_cost_rates", "users", "cost_rates", "cost_rates"),
    ("user_project_assignments", "users", "project_assignments", "project_assignments"),
    ("user_teammates", "users", "teammates", "teammates"),
]

# Streams that are read whole each time.
SNAPSHOTS = ["company", "roles"]

STREAMS = [*LISTINGS, *[name for name, *_ in CHILDREN], *SNAPSHOTS]
