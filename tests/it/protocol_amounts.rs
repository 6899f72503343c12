//! Money and other amounts: exact, checked, readable.

use runcycles::models::{Amount, AmountError, MAX_AMOUNT, SignedAmount, Unit};
use runcycles::{credits, risk_points, tokens, usd};

#[test]
fn a_literal_is_exact_to_the_microcent_and_usable_in_a_const() {
    const DAILY: Amount = usd!(5);
    for (amount, microcents) in [
        (DAILY, 500_000_000),
        (usd!(0), 0),
        (usd!(0.02), 2_000_000),
        (usd!(0.00000001), 1),
        (usd!(0.1), 10_000_000),
        (usd!(1_000.50), 100_050_000_000),
        (usd!(92233720368.54775807), MAX_AMOUNT),
    ] {
        assert_eq!(amount, Amount::usd_microcents(microcents));
    }
}

#[test]
fn text_is_read_as_exactly_as_a_literal() {
    for (text, microcents) in
        [("5", 500_000_000), ("0.02", 2_000_000), (".5", 50_000_000), ("5.", 500_000_000), ("0.10000000", 10_000_000)]
    {
        assert_eq!(Amount::parse_usd(text).unwrap(), Amount::usd_microcents(microcents), "{text}");
    }
}

#[test]
fn text_that_is_no_amount_of_dollars_says_why() {
    for (text, why) in [
        ("", "no digits"),
        (".", "no digits"),
        ("_", "no digits"),
        ("-1", "negative"),
        ("+1", "only digits"),
        ("1e2", "no exponents"),
        ("0.000000001", "eight digits"),
        ("1.2.3", "one point"),
        ("1,000", "only digits"),
        ("$5", "only digits"),
        (" 5", "only digits"),
        ("NaN", "only digits"),
        ("inf", "only digits"),
        ("٣", "only digits"),
        ("92233720368.54775808", "larger than $92,233,720,368.54775807"),
        ("99999999999999999999999999", "larger than"),
    ] {
        let error = Amount::parse_usd(text).unwrap_err().to_string();
        assert!(error.contains(why) && error.ends_with("write a plain decimal such as 0.02"), "{text}: {error}");
    }
}

#[test]
fn amounts_show_as_people_write_them() {
    for (amount, shown) in [
        (usd!(0.02), "$0.02"),
        (usd!(5), "$5.00"),
        (usd!(0.005), "$0.005"),
        (usd!(0.00000001), "$0.00000001"),
        (usd!(1234567.5), "$1,234,567.50"),
        (usd!(0), "$0.00"),
        (Amount::usd_microcents(MAX_AMOUNT), "$92,233,720,368.54775807"),
        (tokens(1), "1 token"),
        (tokens(1_000), "1,000 tokens"),
        (credits(1), "1 credit"),
        (credits(999), "999 credits"),
        (risk_points(1), "1 risk point"),
        (risk_points(0), "0 risk points"),
        (Amount::new(Unit::from("GPU_SECONDS"), 1_234_567), "1,234,567 GPU_SECONDS"),
    ] {
        assert_eq!(amount.to_string(), shown);
    }
    let remaining = |value| SignedAmount::new(Unit::UsdMicrocents, value).to_string();
    assert_eq!(remaining(-120_000), "-$0.0012");
    assert_eq!(remaining(i64::MIN), "-$92,233,720,368.54775808");
    assert_eq!(SignedAmount::new(Unit::Tokens, -5_000).to_string(), "-5,000 tokens");
    assert_eq!(format!("{:>8}|{:<8}|", usd!(0.02), usd!(0.02)), "   $0.02|$0.02   |");
}

#[test]
fn arithmetic_stays_inside_the_protocols_range() {
    let most = tokens(MAX_AMOUNT);
    assert_eq!(tokens(2).checked_add(&tokens(3)), Ok(tokens(5)));
    assert_eq!(tokens(3).checked_sub(&tokens(3)), Ok(tokens(0)));
    assert_eq!(tokens(3).checked_mul(4), Ok(tokens(12)));
    assert_eq!(most.checked_add(&tokens(0)), Ok(most.clone()));
    for overflow in [
        most.checked_add(&tokens(1)),
        tokens(u64::MAX).checked_add(&tokens(u64::MAX)),
        tokens(2).checked_sub(&tokens(3)),
        most.checked_mul(2),
        tokens(MAX_AMOUNT / 2 + 1).checked_mul(2),
    ] {
        assert_eq!(overflow, Err(AmountError::Overflow));
    }
}

#[test]
fn mixing_units_is_an_error_that_names_both() {
    for error in [usd!(1).checked_add(&tokens(1)).unwrap_err(), usd!(1).checked_sub(&tokens(1)).unwrap_err()] {
        assert_eq!(error.to_string(), "cannot combine TOKENS with USD_MICROCENTS; keep one amount per unit");
    }
}

#[test]
fn amounts_are_read_as_people_write_them() {
    for (text, amount) in [
        ("$5", usd!(5)),
        (" $0.02 ", usd!(0.02)),
        ("100_000 tokens", tokens(100_000)),
        ("1 credit", credits(1)),
        ("50  risk points", risk_points(50)),
    ] {
        assert_eq!(text.parse(), Ok(amount), "{text}");
    }
}

#[test]
fn what_is_no_amount_says_what_was_expected() {
    for text in ["5", "", "-1 tokens", "5 euros", "1.5 tokens", "$-5", "$", "9223372036854775808 tokens"] {
        assert!(text.parse::<Amount>().is_err(), "{text}");
    }
    let error = "5 euros".parse::<Amount>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "found \"5 euros\", expected an amount such as $5, 100_000 tokens, 3 credits or 50 risk points"
    );
}
