from django.db import migrations


class Migration(migrations.Migration):
    """Keeps the vector in its row where that has room. No row is rewritten.

    Rows that are written from now on have it; for the others see "Where the vectors
    are stored" in docs/performance.md.
    """

    dependencies = [
        ("products", "0005_verbose_names"),
    ]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE products ALTER COLUMN embedding SET STORAGE MAIN",
            "ALTER TABLE products ALTER COLUMN embedding SET STORAGE EXTERNAL",
        ),
    ]
