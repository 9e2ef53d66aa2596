"""The picture of a tuning: its scale, its lines, and the file it makes."""

from xml.etree import ElementTree

import pytest

from products.quality.recall_plot import as_svg, make_plot
from products.quality.tuning import Bucket, Measurement

EF_SEARCH = (10, 20, 40, 100, 200)


def bucket_with(*recalls, wanted=1.0):
    measured = [
        Measurement(ef, recall, 1.0, 2.0)
        for ef, recall in zip(EF_SEARCH, recalls, strict=True)
    ]
    return Bucket(wanted, wanted, 9.0, measured, measured[0])


@pytest.mark.parametrize(
    ("lowest", "levels"),
    [
        (0.98, ["0.900", "0.925", "0.950", "0.975", "1.000"]),
        (1.0, ["0.900", "0.925", "0.950", "0.975", "1.000"]),
        (0.83, ["0.800", "0.850", "0.900", "0.950", "1.000"]),
        (0.05, ["0.000", "0.250", "0.500", "0.750", "1.000"]),
    ],
)
def test_the_plot_begins_below_the_lowest_recall(lowest, levels):
    plot = make_plot([bucket_with(lowest, 1, 1, 1, 1)])

    assert [text for _, text in plot.levels] == levels
    assert all(48 <= y <= 232 for y, _ in plot.levels)


def test_the_plot_shows_a_target_below_every_recall():
    plot = make_plot([bucket_with(0.98, 1, 1, 1, 1)], target=0.75)

    assert plot.levels[0][1] == "0.700"
    assert plot.target == 201


def test_a_file_stands_alone_with_title_legend_and_target():
    buckets = [bucket_with(0.5, 1, 1, 1, 1), bucket_with(1, 1, 1, 1, 1, wanted=0.25)]

    svg = as_svg(make_plot(buckets, title="Mugs & lamps", target=0.95))

    texts = [text.text for text in ElementTree.fromstring(svg).iter() if text.text]
    assert {"Mugs & lamps", "no filter", "25 % kept", "target"} <= set(texts)
    assert texts.count("200") == 1
    assert svg.count("<polyline") == 4
