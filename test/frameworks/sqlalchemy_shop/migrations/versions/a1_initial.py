"""Customers and their country."""
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision, down_revision = "a1", None


def upgrade():
    op.create_table("countries", sa.Column("code", sa.Text, primary_key=True), sa.Column("name", sa.Text, nullable=False))
    op.create_table(
        "customers",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("tenant_id", postgresql.UUID, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("country", sa.Text, sa.ForeignKey("countries.code")),
        sa.Column("attributes", postgresql.JSONB, server_default="{}"),
        sa.UniqueConstraint("tenant_id", "name"))


def downgrade():
    op.drop_table("customers")
    op.drop_table("countries")
