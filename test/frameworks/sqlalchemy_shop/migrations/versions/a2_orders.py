"""Orders, which get their tenant column a moment after they are made, and tags; a column is renamed."""
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision, down_revision = "a2", "a1"


def upgrade():
    op.create_table(
        "orders",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("customer_id", sa.Integer, sa.ForeignKey("customers.id"), nullable=False),
        sa.Column("total", sa.Numeric(12, 2), nullable=False))
    op.add_column("orders", sa.Column("tenant_id", postgresql.UUID, nullable=False))
    op.create_index("orders_of_tenant", "orders", ["tenant_id", "id"])
    op.create_table(
        "tags",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("tenant_id", postgresql.UUID, nullable=False),
        sa.Column("name", sa.Text, nullable=False))
    op.create_table(
        "order_tags",
        sa.Column("order_id", sa.Integer, sa.ForeignKey("orders.id"), primary_key=True),
        sa.Column("tag_id", sa.Integer, sa.ForeignKey("tags.id"), primary_key=True))
    op.alter_column("customers", "country", new_column_name="country_code")


def downgrade():
    op.alter_column("customers", "country_code", new_column_name="country")
    for table in ("order_tags", "tags", "orders"):
        op.drop_table(table)
