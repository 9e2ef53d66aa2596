"""What the models and migrations need of pgvector besides its Django package."""

from __future__ import annotations

from django.core.management import CommandError
from django.db import DatabaseError, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState
from pgvector.django import VectorExtension

ADVICE = """\
The extension vector (pgvector) cannot be enabled: {error}
What to do:
- as a role that may (a superuser; on Azure the Entra administrator), run in this
  database: CREATE EXTENSION vector;
- on Azure, first add VECTOR to the server parameter azure.extensions;
- on your own server, install pgvector: https://github.com/pgvector/pgvector#installation
Then run manage.py migrate again; nothing was changed."""


class VectorNorm(models.Func):
    """The Euclidean norm of a vector: the pgvector function vector_norm."""

    function = "vector_norm"
    output_field = models.FloatField()


class EnableVector(VectorExtension):
    """Enables the extension; raises CommandError with advice when that is refused."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        try:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        except DatabaseError as err:
            raise CommandError(ADVICE.format(error=str(err).strip())) from err
