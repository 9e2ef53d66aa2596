"""What other shops export, as they write it: one product for each article on sale."""

import io

import pytest

from products.catalog.importing import CatalogImport
from products.catalog.reading.notices import Notice
from products.catalog.reading.presets import PresetName
from products.catalog.reading.source import Format, Source, SourceError
from products.models import Product

pytestmark = pytest.mark.django_db


def run(text, format=Format.CSV, **options):
    """Import a file; return the result, the products by sku, and the refusals."""
    source = Source(name="test", format=format, raw=io.BytesIO(text.encode()))
    job = CatalogImport(source, embed=False, **options)
    refused = {}
    job.on_refusal = lambda refusal: refused.update({refusal.line: refusal.reason})
    result = job.run()
    products = {
        product.sku: (
            product.name,
            product.category,
            product.description,
            str(product.price),
        )
        for product in Product.objects.all()
    }
    return result, products, refused


def pictures():
    """The products' pictures by sku."""
    return dict(Product.objects.values_list("sku", "image"))


SHOPIFY = (
    "Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,"
    "Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant SKU,"
    "Variant Price,Image Src,Status\n"
    "tee,Cotton Tee,<p>Soft &amp; light.</p>,Acme,Apparel > Shirts,Shirts,new,true,"
    "Color,Red,Size,L,TEE-R-L,19.90,https://example.com/1.jpg,active\n"
    "tee,,,,,,,,,Red,,M,TEE-R-M,18.90,https://example.com/2.jpg,\n"
    "tee,,,,,,,,,Blue,,M,,17.90,,\n"
    "tee,,,,,,,,,,,,,,https://example.com/3.jpg,\n"
    "mug,Mug,Holds 0.3 l,Acme,Home > Kitchen > Mugs,,,true,"
    "Title,Default Title,,,'0815,5,,active\n"
)


def test_shopify_has_a_product_for_each_variant():
    result, products, refused = run(SHOPIFY)

    assert products == {
        "TEE-R-L": ("Cotton Tee - Red / L", "Shirts", "Soft & light.", "19.90"),
        "TEE-R-M": ("Cotton Tee - Red / M", "Shirts", "Soft & light.", "18.90"),
        "tee-blue-m": ("Cotton Tee - Blue / M", "Shirts", "Soft & light.", "17.90"),
        "0815": ("Mug", "Mugs", "Holds 0.3 l", "5.00"),
    }
    assert refused == {}
    assert result.preset == "Shopify"
    assert result.notices.found == {
        Notice.NO_PRODUCT: (1, 5),
        Notice.PICTURE_ELSEWHERE: (3, 2),
    }


def test_a_variant_of_shopify_without_a_picture_has_that_of_the_first():
    run(SHOPIFY)

    assert pictures() == {
        "TEE-R-L": "https://example.com/1.jpg",
        "TEE-R-M": "https://example.com/2.jpg",
        "tee-blue-m": "https://example.com/1.jpg",
        "0815": "",
    }


def test_shopify_rows_need_the_row_with_their_title():
    header = SHOPIFY.splitlines()[0]

    _, products, refused = run(f"{header}\ntee,,,,,,,,,Red,,M,TEE-R-M,18.90,,\n")

    assert products == {}
    assert refused == {2: "name: has no title, and no row of the same product above it"}


def test_shopify_prices_alone_are_updated():
    run(SHOPIFY)

    result, products, _ = run("Handle,Variant SKU,Variant Price\ntee,TEE-R-L,21\n")

    assert (result.changed, result.refused) == (1, 0)
    assert products["TEE-R-L"] == (
        "Cotton Tee - Red / L", "Shirts", "Soft & light.", "21.00",
    )  # fmt: skip


def test_the_newer_names_of_shopify_are_known():
    header = "Title,URL handle,Description,Type,SKU,Option1 name,Option1 value,Price"

    result, products, _ = run(f"{header}\nTee,tee,Soft,Shirts,T1,Size,L,9.90\n")

    assert result.preset == "Shopify"
    assert products == {"T1": ("Tee - L", "Shirts", "Soft", "9.90")}


WOO = (
    'ID,Type,SKU,Name,Published,"Short description",Description,"Regular price",'
    'Categories,Parent,"Attribute 1 name","Attribute 1 value(s)"\n'
    '44,variable,neck,"V-Neck",1,,"Long <b>ago</b>.\\nNew.",,"Clothing > Tees, Sale",,'
    'Color,"Blue, Red"\n'
    '47,"simple, virtual",album,"Album &amp; Co",1,Short,,15,Music,,,\n'
    "76,variation,neck-red,V-Neck - Red,1,,Own text,20,,neck,Color,Red\n"
    "77,variation,neck-blue,V-Neck,1,,,21,,id:44,Color,Blue\n"
    "80,grouped,set,A set,1,,,,Clothing,,,\n"
)


def test_woocommerce_has_a_product_for_each_variation():
    result, products, refused = run(WOO)

    assert products == {
        "album": ("Album & Co", "Music", "Short", "15.00"),
        "neck-red": ("V-Neck - Red", "Tees", "Own text", "20.00"),
        "neck-blue": ("V-Neck - Blue", "Tees", "Long ago. New.", "21.00"),
    }
    assert refused == {}
    assert result.notices.found == {Notice.NO_PRODUCT: (2, 2)}


def test_no_variable_product_of_woocommerce_is_lost():
    lines = WOO.splitlines(keepends=True)

    _, products, refused = run(lines[0] + lines[3] + lines[1])

    assert products == {}
    assert refused == {
        2: "is a variation of 'neck', which is not in a row above it",
        3: "is a variable product whose variations are not in the file",
    }


PRESTA = (
    "Product ID;Active (0/1);Name *;Categories (x,y,z...);Price tax excluded;"
    "Reference #;Summary;Description;Image URLs (x,y,z...)\n"
    "1;1;iPod Nano;Home,iPods;100;RP-1;<p>Short</p>;<p>New design, red.</p>;a,b\n"
    "2;1;iPod shuffle;iPods;60.5;;<p>Short</p>;;a\n"
)


def test_prestashop_separates_by_semicolons_and_has_commas_in_its_header():
    result, products, refused = run(PRESTA)

    assert result.preset == "PrestaShop"
    assert products == {
        "RP-1": ("iPod Nano", "iPods", "New design, red.", "100.00"),
        "ipod-shuffle": ("iPod shuffle", "iPods", "Short", "60.50"),
    }
    assert refused == {}
    # Paths on that shop's own disk.
    assert pictures() == {"RP-1": "", "ipod-shuffle": ""}
    assert result.notices.found == {Notice.NO_PICTURE: (2, 2)}


def test_of_several_pictures_the_first_is_taken():
    run(PRESTA.replace("a,b", "https://x.example/w_1,h_2.jpg,https://x.example/2.jpg"))

    assert pictures()["RP-1"] == "https://x.example/w_1,h_2.jpg"


GOOGLE = (
    "id\ttitle\tdescription\tlink\tprice\tavailability\timage_link\t"
    "google_product_category\tproduct_type\n"
    'A-1\t17" screen\tFull HD\thttps://x/1\t19.99 USD\tin_stock\thttps://x/1.jpg\t'
    "222\tHome > Screens\n"
    "A-2\tMug\t\thttps://x/2\t5 USD\tin_stock\t\tHome > Mugs\t\n"
    "A-3\tCup\t\thttps://x/3\t4.00 EUR\tin_stock\t\t\t\n"
)


def test_google_has_prices_with_a_currency():
    result, products, refused = run(GOOGLE, Format.TSV)

    assert result.preset == "Google Merchant"
    assert products == {
        "A-1": ('17" screen', "Screens", "Full HD", "19.99"),
        "A-2": ("Mug", "Mugs", "", "5.00"),
    }
    assert refused == {4: "price: is in EUR, but on line 2 in USD"}


@pytest.mark.parametrize("text", [SHOPIFY, WOO, PRESTA], ids=["s", "w", "p"])
def test_a_second_import_changes_nothing(text):
    first, _, _ = run(text)
    second, _, _ = run(text)

    assert (second.new, second.changed, second.unchanged) == (0, 0, first.new)


def test_a_preset_can_be_refused_and_columns_be_named_instead():
    text = "id,title,price,link\n7,Mug,5,https://x\n"
    with pytest.raises(SourceError, match="no column 'name'"):
        run(text, preset=PresetName.NONE)

    result, products, _ = run(text, columns={"name": "Title"})

    assert (result.preset, products) == ("", {"mug": ("Mug", "", "", "5.00")})


def test_a_preset_can_be_asked_for_and_a_column_of_it_be_named():
    text = "Handle,Title,Cost\nmug,Mug,5\n"
    with pytest.raises(SourceError, match="no column 'variant price'"):
        run(text, preset=PresetName.SHOPIFY)

    _, products, _ = run(text, preset=PresetName.SHOPIFY, columns={"price": "Cost"})

    assert products == {"mug": ("Mug", "", "", "5.00")}


def test_a_preset_is_not_for_json():
    with pytest.raises(SourceError, match="not for JSON"):
        run("[]", Format.JSON, preset=PresetName.SHOPIFY)


def test_the_shops_own_columns_are_no_preset():
    result, _, _ = run("sku,name,category,description,price\n1,Mug,,,1\n")

    assert result.preset == ""


@pytest.mark.parametrize("sku", ["4.00638E+12", "4,00638e+12", "4E+12"])
def test_a_sku_that_a_spreadsheet_has_rounded_is_said(sku):
    result, products, _ = run(f'sku,name,price\nA1,Mug,1\n"{sku}",Cup,1\n')

    assert sku in products
    assert result.notices.found == {Notice.ROUNDED_SKU: (1, 3)}
    assert "the first on line 3" in next(result.notices.sentences())


def test_reading_can_end_at_a_number_of_rows_or_at_a_time():
    text = "sku,name,price\n" + "".join(f"{i},Mug,1\n" for i in range(10))

    exact, _, _ = run(text, max_rows=10)
    fewer, _, _ = run(text, max_rows=3, dry_run=True)
    late, _, _ = run(text, max_seconds=-1, dry_run=True)

    assert (exact.read, exact.cut_short) == (10, False)
    assert (fewer.read, fewer.cut_short) == (3, True)
    assert (late.read, late.cut_short) == (0, True)


def test_woocommerce_prices_alone_need_no_parents():
    run("Type,SKU,Name,Regular price\nsimple,P-R,Tee - Red,10\n")

    result, products, refused = run(
        "Type,SKU,Regular price,Description\nvariable,P,,\nvariation,P-R,12,\n"
    )

    assert refused == {}
    assert products == {"P-R": ("Tee - Red", "", "", "12.00")}
    assert result.changed == 1


def test_a_woocommerce_file_without_parents_empties_no_text():
    run("Type,SKU,Name,Regular price,Description\nsimple,P-R,Tee,10,Soft\n")

    _, products, _ = run("Type,SKU,Regular price,Description\nvariation,P-R,12,\n")

    assert products == {"P-R": ("Tee", "", "Soft", "12.00")}


def test_woocommerce_guards_cells_against_spreadsheets():
    header = "ID,Type,SKU,Name,Regular price,Description,Parent,Attribute 1 value(s)\n"

    _, products, refused = run(
        header + "1,variable,'-T,'+Tee,,'=soft,,\n"
        "2,variation,'@T-1,'+Tee,5,,'-T,'-5 C\n"
        "3,simple,'s,'n Beer,5,,,\n"
    )

    assert refused == {}
    assert products == {
        "@T-1": ("+Tee - -5 C", "", "=soft", "5.00"),
        "'s": ("'n Beer", "", "", "5.00"),
    }


def test_woocommerce_writes_line_ends_and_backslashes():
    _, products, _ = run(
        "Type,SKU,Name,Regular price,Description\n"
        r"simple,m1,Disk,5,One\ntwo: C:\\new"
        "\n"
    )

    assert products["m1"][2] == "One\ntwo: C:\\new"
