"""A small shop, and a session that authenticates each of its transactions."""
from sqlalchemy import Column, ForeignKey, Integer, Numeric, Table, Text, UniqueConstraint, event, text
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import Session, declarative_base, relationship
from sqlalchemy.schema import FetchedValue

Base = declarative_base()


class TenantSession(Session):
    """A session with info={"token": ...}: every transaction that it begins hands the token to the database first."""


@event.listens_for(TenantSession, "after_begin")
def _authenticate(session, _transaction, connection):
    connection.execute(text("SELECT tenant_guard.authenticate(:token)"), {"token": session.info["token"]})


def tenant_column():
    # Left out of an INSERT, it gets the default that protect() gave it: the tenant of the transaction.
    return Column("tenant_id", UUID(as_uuid=False), server_default=FetchedValue(), nullable=False)


class Country(Base):
    __tablename__ = "countries"
    code = Column(Text, primary_key=True)
    name = Column(Text, nullable=False)


class Customer(Base):
    __tablename__ = "customers"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)
    id = Column(Integer, primary_key=True)
    tenant_id = tenant_column()
    name = Column(Text, nullable=False)
    country_code = Column(ForeignKey("countries.code"))
    attributes = Column(JSONB, server_default="{}")
    country = relationship(Country)
    orders = relationship("Order", back_populates="customer", cascade="all, delete-orphan")


order_tags = Table(
    "order_tags", Base.metadata,
    Column("order_id", ForeignKey("orders.id"), primary_key=True),
    Column("tag_id", ForeignKey("tags.id"), primary_key=True))


class Tag(Base):
    __tablename__ = "tags"
    id = Column(Integer, primary_key=True)
    tenant_id = tenant_column()
    name = Column(Text, nullable=False)


class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    tenant_id = tenant_column()
    customer_id = Column(ForeignKey("customers.id"), nullable=False)
    total = Column(Numeric(12, 2), nullable=False)
    customer = relationship(Customer, back_populates="orders")
    tags = relationship(Tag, secondary=order_tags)
