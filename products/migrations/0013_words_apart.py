"""No phrase goes from the end of one field of a product into the next."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.db import migrations, models

import products.name_words
import products.sql.words
import products.upkeep.rewriting

# As migration 0008 makes it, but for the gaps in the value that it returns.
WORDS_APART = r"""
-- The words of a text with a weight, then the joined ones; with weight D the parts.
-- Before each of the three stands a gap that no phrase bridges: a lexeme far from what
-- was there before, which goes at the end.
CREATE OR REPLACE FUNCTION products_words(config regconfig, written text, weight "char")
RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
    gap CONSTANT tsvector := '|:16';
    words text := products_written(written);
    word text;
    joined text := '';
    parts text := '';
BEGIN
    IF words ~ '[-_.''+&/×0-9]|[A-Za-z][a-z][A-Z]' THEN
        FOREACH word IN ARRAY string_to_array(words, ' ') LOOP
            CONTINUE WHEN word !~ '[-_.''+&/×]|[A-Za-z][0-9]|[0-9][A-Za-z]|[A-Za-z][a-z][A-Z]';
            IF word ~ '×' THEN
                joined := joined || ' ' || products_sizes(word);
            ELSE
                IF word ~ '/' AND length(word) <= 20 THEN
                    parts := parts || ' ' || products_joined(word);
                    word := replace(word, '/', ' ');
                END IF;
                IF products_joined(word) <> word THEN
                    joined := joined || ' ' || products_joined(word);
                END IF;
            END IF;
            IF word ~ '[A-Za-z][0-9]|[0-9][A-Za-z]|[A-Za-z][a-z][A-Z]' THEN
                parts := parts || ' ' || products_parts(word);
            END IF;
        END LOOP;
    END IF;
    RETURN ts_delete(
        gap || setweight(
            to_tsvector(config, products_plain(words))
                || gap || to_tsvector(config, products_plain(joined)),
            weight
        ) || gap || setweight(to_tsvector(config, products_plain(parts)), 'D'),
        '|'
    );
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("products", "0012_projection"),
    ]

    operations = [
        # Rows of up to 4 kB keep all of their values: a search reads the words and the
        # vector of each candidate. The next step writes every row anew.
        migrations.RunSQL(
            "ALTER TABLE products SET (toast_tuple_target = 4080)",
            "ALTER TABLE products RESET (toast_tuple_target)",
        ),
        # The way back leaves the function, whose words the former code can read too.
        migrations.RunSQL(WORDS_APART, migrations.RunSQL.noop),
        migrations.RemoveIndex("product", "products_name_words_idx"),
        migrations.RemoveIndex("product", "products_search_vector_idx"),
        migrations.RemoveField("product", "search_vector"),
        products.upkeep.rewriting.AddGeneratedColumn(
            model_name="product",
            name="search_vector",
            field=models.GeneratedField(
                db_persist=True,
                expression=products.sql.words.AllWords(
                    products.sql.words.Words("name", "A"),
                    products.sql.words.Words("category", "B"),
                    products.sql.words.Words("description", "C"),
                    products.sql.words.Words("sku", "D"),
                ),
                output_field=django.contrib.postgres.search.SearchVectorField(),
            ),
        ),
        migrations.AddIndex(
            "product",
            django.contrib.postgres.indexes.GinIndex(
                fields=["search_vector"], name="products_search_vector_idx"
            ),
        ),
        migrations.AddIndex(
            "product",
            django.contrib.postgres.indexes.GinIndex(
                products.name_words.NameWords(models.F("search_vector")),
                name="products_name_words_idx",
            ),
        ),
        # Without statistics of the new column the planner reads the whole table.
        migrations.RunSQL("ANALYZE products", migrations.RunSQL.noop),
    ]
