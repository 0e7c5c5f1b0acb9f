"""A small shop. What belongs to a tenant says so in its first column."""
from django.contrib.auth.models import AbstractUser
from django.db import models

from .middleware import current_tenant


class TenantModel(models.Model):
    # Django names every column in an INSERT, so that the column's default in the database is never used.
    tenant_id = models.UUIDField(default=current_tenant, editable=False)

    class Meta:
        abstract = True


class Country(models.Model):
    """The same for every tenant."""
    code = models.CharField(max_length=2, primary_key=True)
    name = models.TextField()


class User(AbstractUser, TenantModel):
    username = models.CharField(max_length=150)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant_id", "username"], name="user_name")]


class Customer(TenantModel):
    name = models.TextField()
    country = models.ForeignKey(Country, on_delete=models.PROTECT)
    attributes = models.JSONField(default=dict)
    email = models.TextField(default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant_id", "name"], name="customer_name")]


class Tag(TenantModel):
    name = models.TextField()


class Order(TenantModel):
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="orders")
    total = models.DecimalField(max_digits=12, decimal_places=2)
    ordered_at = models.DateTimeField(auto_now_add=True)
    # Django makes the table in between, without a tenant column.
    tags = models.ManyToManyField(Tag)

    class Meta:
        indexes = [models.Index(fields=["tenant_id", "ordered_at"], name="order_time")]


class Invoice(TenantModel):
    order = models.ForeignKey(Order, on_delete=models.CASCADE)
    number = models.TextField()
