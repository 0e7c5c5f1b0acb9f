"""Data of all tenants, on the connection that may see them. On the one that migrates it would be refused."""
from django.db import migrations
from django.db.models import F, Value
from django.db.models.functions import Concat


def fill_emails(apps, _schema_editor):
    customers = apps.get_model("django_shop", "Customer").objects.using("maintenance")
    customers.update(email=Concat(F("name"), Value("@example.com")))


class Migration(migrations.Migration):
    dependencies = [("django_shop", "0002_invoices")]

    operations = [migrations.RunPython(fill_emails, migrations.RunPython.noop)]
