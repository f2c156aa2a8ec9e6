import pytest

from gpurules.model import (
    UNITS,
    Dimension,
    QuantityError,
    format_amount,
    format_duration,
    format_reading,
    parse_amount,
    product,
    quotient,
)
from gpurules.model.units import MAX_INTEGER, nearest_unit


@pytest.mark.parametrize(
    ("text", "value", "dimension"),
    [
        ("12", 12, Dimension.NONE),
        ("0.5", 0.5, Dimension.NONE),
        ("1e9", 10**9, Dimension.NONE),
        ("1_000_000", 1_000_000, Dimension.NONE),
        ("2.5e-1", 0.25, Dimension.NONE),
        ("80%", 80, Dimension.PERCENT),
        ("100MB", 104_857_600, Dimension.BYTES),
        ("100MiB", 104_857_600, Dimension.BYTES),
        ("1.5GiB", 1_610_612_736, Dimension.BYTES),
        ("1PB", 1024**5, Dimension.BYTES),
        ("8kbit", 1000, Dimension.BYTES),
        ("1Gbit", 125_000_000, Dimension.BYTES),
        ("200MB/s", 209_715_200, Dimension.BYTES_PER_SECOND),
        ("10Gbps", 1_250_000_000, Dimension.BYTES_PER_SECOND),
        ("10Gbit/s", 1_250_000_000, Dimension.BYTES_PER_SECOND),
        ("250ms", 0.25, Dimension.SECONDS),
        ("1h30m", 5400, Dimension.SECONDS),
        ("1d2h3m4s5ms", 93_784.005, Dimension.SECONDS),
        ("22:00", 79_200, Dimension.SECONDS),
        ("06:30", 23_400, Dimension.SECONDS),
        ("24:00", 86_400, Dimension.SECONDS),
        ("85C", 85, Dimension.CELSIUS),
        ("85°C", 85, Dimension.CELSIUS),
        ("1500mW", 1.5, Dimension.WATTS),
        ("0.7kW", 700, Dimension.WATTS),
        ("3.6MJ", 3_600_000, Dimension.JOULES),
        ("1980MHz", 1_980_000_000, Dimension.HERTZ),
    ],
)
def test_a_quantity_is_read_into_its_canonical_unit(text: str, value: float, dimension: Dimension) -> None:
    amount = parse_amount(text)
    assert (amount.value, amount.dimension) == (value, dimension)
    assert type(amount.value) is type(value)


@pytest.mark.parametrize("whole", [2**53 + 1, MAX_INTEGER])
def test_whole_numbers_stay_exact_up_to_64_bits(whole: int) -> None:
    assert parse_amount(str(whole)).value == whole
    assert parse_amount(f"{whole}B").value == whole


def test_larger_whole_numbers_become_doubles() -> None:
    assert parse_amount(str(MAX_INTEGER + 1)).value == float(2**63)
    assert isinstance(parse_amount("9000PB").value, float)


def test_a_decimal_is_rounded_once() -> None:
    assert parse_amount("0.1GHz").value == 100_000_000
    assert parse_amount("0.3ms").value == 0.3 / 1000 == 0.0003


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("100mb", "write MB for megabytes or Mbit for megabits"),
        ("1kb", "write KB for kilobytes or kbit for kilobits"),
        ("1gib", "units are case-sensitive: write GiB"),
        ("5min", "the nearest unit is m"),
        ("3hrs", "the nearest unit is h"),
        ("10ns", "the nearest unit is us"),
        ("85F", "85F is 29.4C"),
        ("5S", "units are case-sensitive: write s"),
        ("5ghz", "units are case-sensitive: write GHz"),
        ("80percent", "the nearest unit is %"),
        ("1XB", "the nearest unit is "),
    ],
)
def test_a_unit_that_does_not_exist_is_answered_with_the_nearest(text: str, hint: str) -> None:
    with pytest.raises(QuantityError) as caught:
        parse_amount(text)
    assert caught.value.hint is not None
    assert caught.value.hint.startswith(hint)


@pytest.mark.parametrize(
    "text", ["", "x", "-5", "+5", " 5", "5 ", "5 s", "1__0", "_1", "1.", ".5", "1e", "0x10", "٣", "5/s"]
)
def test_what_is_no_quantity_says_so(text: str) -> None:
    with pytest.raises(QuantityError):
        parse_amount(text)


@pytest.mark.parametrize("text", ["25:00", "24:01", "22:60", "99:99"])
def test_a_clock_time_ends_at_midnight(text: str) -> None:
    with pytest.raises(QuantityError, match="not a time of day"):
        parse_amount(text)


@pytest.mark.parametrize(("text", "written"), [("30m1h", "1h30m"), ("5s5m", "5m5s"), ("1h1h", "1h1h")])
def test_compound_durations_fall(text: str, written: str) -> None:
    with pytest.raises(QuantityError, match="must decrease") as caught:
        parse_amount(text)
    assert caught.value.hint == f"write {written}"


@pytest.mark.parametrize("text", ["1e999", "9" * 500, "1e9999999999", "1e400", "1e308PB"])
def test_numbers_beyond_the_doubles_are_a_limit(text: str) -> None:
    with pytest.raises(QuantityError) as caught:
        parse_amount(text)
    assert caught.value.limit


@pytest.mark.parametrize("name", UNITS)
def test_every_unit_is_read(name: str) -> None:
    amount = parse_amount(f"3{name}")
    unit = UNITS[name]
    assert amount.dimension is unit.dimension
    assert amount.value == 3 * unit.numerator / unit.denominator


def test_nothing_is_near_what_is_like_nothing() -> None:
    assert nearest_unit("qqqqqqqq").startswith("known units")


def refused(text: str) -> QuantityError:
    with pytest.raises(QuantityError) as caught:
        parse_amount(text)
    return caught.value


@pytest.mark.parametrize("rate", ["", "/s", "ps", "/S", "PS", "/sec"])
@pytest.mark.parametrize("noun", ["B", "b", "bit", "Bit", "byte", "Bytes", "bits"])
@pytest.mark.parametrize("prefix", [p + i for p in "kKmMgGtTpP" for i in ("", "i", "I")])
def test_no_proposed_unit_takes_bytes_for_bits_or_bits_for_bytes(prefix: str, noun: str, rate: str) -> None:
    name = prefix + noun + rate
    if name in UNITS:
        return
    error = refused(f"100{name}")
    is_bits = noun.lower().startswith("bit") or (noun == "b" and rate == "ps" and len(prefix) == 1)
    is_bytes = noun == "B" or "byte" in noun.lower()
    if error.meant is None:
        assert error.hint is not None
        assert " or " in error.hint or "bits go up to Tbit" in error.hint
    else:
        amount = parse_amount(error.meant)
        assert (amount.dimension is Dimension.BYTES_PER_SECOND) == bool(rate)
        unit = UNITS[error.meant.removeprefix("100")]
        assert (unit.denominator == 8) == is_bits
        assert is_bits or is_bytes or name in ("".join(p) + "ib" + r for p in "kmgtp" for r in ("", "/s", "ps", "/sec"))


@pytest.mark.parametrize(
    ("text", "meant"),
    [("100MBps", "100MB/s"), ("1MiBps", "1MiB/s"), ("2.5GBps", "2.5GB/s"), ("10Kbps", "10kbps"), ("7Mbits", "7Mbit")],
)
def test_a_unit_that_can_mean_one_thing_is_put_right(text: str, meant: str) -> None:
    assert refused(text).meant == meant


@pytest.mark.parametrize("text", ["100Mb/s", "1Gb", "5mb", "100mbps", "1MBPS", "3Kb/s", "8Mib", "1Pb", "1Pbit", "9b/s"])
def test_a_unit_that_may_be_bytes_or_bits_is_not_decided(text: str) -> None:
    assert refused(text).meant is None


@pytest.mark.parametrize(("text", "meant"), [("185F", "85C"), ("32°F", "0C"), ("190.4degF", "88C"), ("0F", "-17.8C")])
def test_fahrenheit_is_converted(text: str, meant: str) -> None:
    error = refused(text)
    assert error.meant == meant
    assert error.hint is not None
    assert meant in error.hint


B, R, S, W, J, N, P, C = (
    Dimension.BYTES,
    Dimension.BYTES_PER_SECOND,
    Dimension.SECONDS,
    Dimension.WATTS,
    Dimension.JOULES,
    Dimension.NONE,
    Dimension.PERCENT,
    Dimension.CELSIUS,
)


@pytest.mark.parametrize(
    ("left", "right", "result"),
    [(N, B, B), (B, N, B), (R, S, B), (S, R, B), (W, S, J), (S, W, J), (P, B, None), (B, B, None), (C, S, None)],
)
def test_products_have_the_dimension_that_physics_gives(left: Dimension, right: Dimension, result: object) -> None:
    assert product(left, right) is result


@pytest.mark.parametrize(
    ("left", "right", "result"),
    [(B, N, B), (B, B, N), (B, R, S), (B, S, R), (J, S, W), (J, W, S), (N, B, None), (S, B, None), (N, N, N)],
)
def test_quotients_have_the_dimension_that_physics_gives(left: Dimension, right: Dimension, result: object) -> None:
    assert quotient(left, right) is result


@pytest.mark.parametrize(
    ("value", "dimension", "text"),
    [
        (104_857_600, B, "100 MiB"),
        (1023, B, "1,023 B"),
        (0, B, "0 B"),
        (-2048, B, "-2 KiB"),
        (209_715_200, R, "200 MiB/s"),
        (0.25, S, "250 ms"),
        (675, S, "11 m 15 s"),
        (90_061, S, "1 d 1 h"),
        (0, S, "0 s"),
        (-90, S, "-1 m 30 s"),
        (81.25, P, "81.25 %"),
        (85, C, "85 C"),
        (653.21, W, "653.21 W"),
        (1_980_000_000, Dimension.HERTZ, "1.98 GHz"),
        (12_345.678, J, "12,345.68 J"),
        (3, N, "3"),
        (1e300, N, "1e+300"),
    ],
)
def test_amounts_are_written_for_people(value: float, dimension: Dimension, text: str) -> None:
    assert format_amount(value, dimension) == text


def test_a_duration_of_just_under_a_minute_stays_below_it() -> None:
    assert format_duration(59.99) == "59.99 s"


@pytest.mark.parametrize(
    ("value", "dimension", "text"),
    [
        (93.40967888277198, P, "93.4 %"),
        (93.0, P, "93 %"),
        (0.0004, P, "0.0004 %"),
        (-0.04, C, "-0.04 C"),
        (71.26, C, "71.3 C"),
        (653.2491, W, "653.2 W"),
        (84520809984, B, "78.7 GiB"),
        (1536, R, "1.5 KiB/s"),
        (0.0123456, S, "12.3 ms"),
        (12.3456, S, "12.3 s"),
        (75.4, S, "1 m 15 s"),
        (0.3333333, N, "0.33"),
        (1e-9, N, "1e-09"),
        (0, P, "0 %"),
    ],
)
def test_a_reading_is_rounded_as_its_unit_is(value: float, dimension: Dimension, text: str) -> None:
    assert format_reading(value, dimension) == text


@pytest.mark.parametrize(
    ("value", "dimension", "limit", "text"),
    [
        (80.04, P, 80, "80.04 %"),
        (79.96, P, 80, "79.96 %"),
        (80.00000000000001, P, 80, "80.00000000000001 %"),
        (80.0, P, 80, "80 %"),
        (60.4, S, 60, "60.4 s"),
        (2**30 + 1, B, 2**30, "1.000000001 GiB"),
    ],
)
def test_a_reading_never_reads_like_the_limit_that_it_is_not(
    value: float, dimension: Dimension, limit: float, text: str
) -> None:
    assert format_reading(value, dimension, [limit]) == text
