"""A release later: a column, an index, a new table, a renamed column."""
from django.db import migrations, models

import django_shop.middleware


class Migration(migrations.Migration):
    dependencies = [("django_shop", "0001_initial")]

    operations = [
        migrations.AddField("customer", "email", models.TextField(default="")),
        migrations.RenameField("customer", "data", "attributes"),
        migrations.AddIndex("order", models.Index(fields=["tenant_id", "ordered_at"], name="order_time")),
        migrations.CreateModel(
            "Invoice",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant_id", models.UUIDField(default=django_shop.middleware.current_tenant, editable=False)),
                ("order", models.ForeignKey("django_shop.order", on_delete=models.CASCADE)),
                ("number", models.TextField()),
            ],
        ),
    ]
