"""The words of a product and of a query: functions, and the column that uses them.

docs/architecture.md tells what the functions are for. Those of the form RETURN … are
written into the statement that calls them.
"""

from typing import Any

import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.conf import settings
from django.db import migrations, models

import products.name_words
import products.sql.words
import products.upkeep.rewriting
from products.sql.language import define_language, drop_language

FUNCTIONS = r"""
-- PostgreSQL keeps 32 regular expressions compiled, and these functions need fewer, so
-- that a text takes no longer than it must.

-- Letters without accents, in one Unicode form, and one sign for each kind of hyphen,
-- apostrophe and inch. A text of ASCII is that already.
CREATE FUNCTION products_folded(written text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN octet_length(written) = length(written) THEN written ELSE
    replace(replace(replace(replace(replace(replace(replace(
    replace(replace(replace(replace(replace(replace(replace(
    replace(replace(replace(replace(replace(replace(replace(replace(
    regexp_replace(
        normalize(
            replace(replace(replace(replace(replace(
                written, '™', ' '), '℠', ' '), '¼', ' ¼'), '½', ' ½'), '¾', ' ¾'),
            NFKD),
        U&'[\0300-\036f\00AD\200B-\200D\2060\FEFF]', '', 'g'),
        '’', ''''), '‘', ''''), 'ʼ', ''''), '′', ''''), '”', '"'), '″', '"'),
        '‐', '-'), '−', '-'),
        '×', 'x'), 'ß', 'ss'), 'ẞ', 'SS'), 'æ', 'ae'), 'Æ', 'AE'), 'œ', 'oe'), 'Œ', 'OE'),
        'þ', 'th'), 'ø', 'o'), 'Ø', 'O'), 'ł', 'l'), 'Ł', 'L'), 'đ', 'd'), 'ı', 'i')
END;

-- "17,3" is 17.3 and "1,000" is 1000; a fraction is one number.
CREATE FUNCTION products_numbers(folded text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN
    regexp_replace(regexp_replace(regexp_replace(
        folded,
        '(?<=[0-9]),(?=[0-9]{3}(?![0-9]))', '', 'g'),
        '(?<![0-9,.])([0-9]+),([0-9]{1,2})(?![0-9,])', '\1.\2', 'g'),
        '(?<![0-9/])([0-9]{1,2})/(2|3|4|5|8|16|32|64)(?![0-9/])', '\1⁄\2', 'g');

-- A number and its unit are one word, and so are the numbers of a size: 16gb, 4×8.
CREATE FUNCTION products_units(numbers text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN
    regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
        numbers,
        '([0-9])(?:[ -]*(?:inch(?:es)?\M|zoll\M|in\.|"|''''|in(?= *(?:[,;)/]|x *[0-9]|$)))|in\M)',
        '\1inch ', 'gi'),
        '([0-9])(?:[ -]*(?:feet|foot|ft)\M\.?|''(?= *x *[0-9]|[^A-Za-z0-9]|$))', '\1ft ', 'gi'),
        '([0-9])[ -]+([cdkm]?m|[km]?g|[cdm]?l|[kmgt]b|[km]?v|k?wh?|[kp])\M\.?',
        '\1\2', 'gi'),
        '([0-9])[ -]+(k?va|m?ah|ma|[kmg]?hz|d[bp]i?|rpm|fps|bar|psi|lm|lbs?|oz|gal|yd|mp)\M\.?',
        '\1\2', 'gi'),
        '([0-9](?:inch|ft|[cm]?m|yd)?) *x *(?=[0-9])', '\1×', 'gi');

-- The words of a text in one spelling, with blanks between them. Marks stay where they
-- join the parts of a word, as in Wi-Fi, HDMI/DVI or 4×8.
CREATE FUNCTION products_written(written text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    words text := products_folded(written);
BEGIN
    IF words ~ '[0-9]' THEN
        words := products_units(products_numbers(words));
    END IF;
    RETURN
        regexp_replace(regexp_replace(
        regexp_replace(regexp_replace(regexp_replace(regexp_replace(
            words,
            '([A-Za-z0-9])\+\+', '\1_plusplus ', 'g'),
            '(\m[A-Za-z])#', '\1_sharp ', 'g'),
            '([A-Za-z0-9])\+(?![A-Za-z0-9])', '\1 plus', 'g'),
            '''s\M', '', 'gi'),
            '[]\x01-\x1f!-%(-*,:-@\\[^`{-\x7f]', ' ', 'g'),
            '(^| )[-_.''+/&×]+|[-_.''+/&×]+( |$)', ' ', 'g');
END $$;

-- What PostgreSQL's parser reads of written words: letters and digits, so that it takes
-- nothing for a file, a host or a negative number. 17.3 is 17p3 there.
CREATE FUNCTION products_plain(words text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN replace(replace(
    regexp_replace(words, '[-_''+/&×]|\.(?![0-9])|(?<![0-9])\.', ' ', 'g'),
    '.', 'p'), '⁄', 'f');

-- The same words without the marks that join: Wi-Fi is WiFi.
CREATE FUNCTION products_joined(words text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN regexp_replace(words, '[-_''+/&×]|\.(?![0-9])|(?<![0-9])\.', '', 'g');

-- Words with a blank between letters and digits, and before a capital letter.
CREATE FUNCTION products_parts(words text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN regexp_replace(
    words, '([A-Za-z](?=[0-9])|[0-9](?=[A-Za-z])|[A-Za-z][a-z](?=[A-Z]))', '\1 ', 'g');

-- Sizes without units: 4ft×8ft is 4x8. One of three numbers is three sizes.
CREATE FUNCTION products_sizes(words text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN regexp_replace(
    replace(regexp_replace(words, '[^0-9.⁄× ]', '', 'g'), '×', 'x'),
    '([^x ]+)x([^x ]+)x([^x ]+)', '\1x\2x\3 \1x\2 \2x\3', 'g');

-- A word of a query as one word, such as wifi, 16gb or 4x8.
CREATE FUNCTION products_whole(word text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN word LIKE '%×%' THEN split_part(products_sizes(word), ' ', 1)
    ELSE products_joined(word) END;

-- The words of a text with a weight, then the joined ones; with weight D the parts.
-- In PL/pgSQL, which starts faster. It keeps the path that finds the other functions,
-- since a dump is restored with an empty one.
CREATE FUNCTION products_words(config regconfig, written text, weight "char")
RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
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
    RETURN setweight(to_tsvector(config, products_plain(words || joined)), weight)
        || setweight(to_tsvector(config, products_plain(parts)), 'D');
END $$;

-- A query without the stop words that are none when their accents are gone, such as the
-- German "für". Most queries are ASCII, and stay as they are.
CREATE FUNCTION products_asked(config regconfig, asked text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN octet_length(asked) = length(asked) THEN asked ELSE coalesce((
    SELECT string_agg(word, ' ' ORDER BY number)
    FROM string_to_table(normalize(asked), ' ') WITH ORDINALITY AS written (word, number)
    WHERE word !~ '^\w+$' OR to_tsvector(config, word) <> ''
), '') END;

-- The words of a query, at most so many of them, each with the lexemes that it has as a
-- whole, and with the phrase of its parts where a product may have that instead.
CREATE FUNCTION products_terms(config regconfig, asked text, most integer)
RETURNS TABLE (place numeric, lexeme text, whole text, parts text)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    WITH typed AS (
        SELECT number AS place, parted, pieces,
            pieces > 1 AND word NOT LIKE '%×%'
                AND (word ~ '^[^0-9]' OR products_joined(word) <> word) AS is_compound,
            strip(to_tsvector(config, products_plain(products_whole(word)))) AS stems,
            phraseto_tsquery(config, parted) AS phrase
        FROM string_to_table(
                replace(products_written(products_asked(config, asked)), '/', ' '), ' ')
                WITH ORDINALITY AS written (word, number),
            products_plain(products_parts(word)) AS parted,
            cardinality(string_to_array(parted, ' ')) AS pieces
    ), wish AS (
        -- "wi-fi" is one wish: wifi, or fi next to wi. "16gb" is 16gb and nothing else.
        SELECT typed.place, stems,
            CASE WHEN is_compound AND numnode(phrase) = 2 * pieces - 1 THEN phrase END
                AS phrase
        FROM typed
        UNION ALL
        -- "t-shirt", of which "t" is a stop word, is tshirt, and besides it shirt.
        SELECT typed.place + 0.5, array_to_tsvector(ARRAY[stem.lexeme]), NULL
        FROM typed, unnest(to_tsvector(config, parted)) AS stem
        WHERE is_compound AND numnode(phrase) < 2 * pieces - 1
    )
    SELECT min(wish.place), (tsvector_to_array(stems))[1],
        replace(stems::text, ' ', ' & '), max(phrase::text)
    FROM wish
    WHERE length(stems) > 0
    GROUP BY stems
    ORDER BY 1
    LIMIT most;
END;

-- The tsquery for a text as it stands.
CREATE FUNCTION products_phrase(config regconfig, written text) RETURNS tsquery
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN phraseto_tsquery(config, products_plain(products_written(written)));

-- The tsquery for one word: as it stands, or joined.
CREATE FUNCTION products_one_word(config regconfig, written text) RETURNS tsquery
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN products_phrase(config, written) || plainto_tsquery(
    config, products_plain(products_whole(products_written(written))));

-- The beginnings of the words of a text, for to_tsquery.
CREATE FUNCTION products_beginnings(written text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
    SELECT string_agg(quote_literal(word) || ':*', ' & ')
    FROM string_to_table(products_plain(products_written(written)), ' ') AS word
    WHERE word <> ''
);
"""

DROP_FUNCTIONS = """
DROP FUNCTION products_beginnings, products_one_word, products_phrase, products_terms,
    products_asked, products_words, products_whole, products_sizes, products_parts, products_joined,
    products_plain, products_written, products_units, products_numbers, products_folded
"""


def begin_with_setting(apps: Any, schema_editor: Any) -> None:
    """Let the words be in the language of the settings; set_language changes it."""
    define_language(settings.CATALOG_LANGUAGE, using=schema_editor.connection.alias)


def drop(apps: Any, schema_editor: Any) -> None:
    drop_language(schema_editor.connection.alias)


class Migration(migrations.Migration):
    dependencies = [
        ("products", "0007_not_duplicate"),
    ]

    operations = [
        migrations.RunPython(begin_with_setting, drop),
        migrations.RunSQL(FUNCTIONS, DROP_FUNCTIONS),
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
