//! Amounts as people write them.

use runcycles::models::Amount;

/// Reads `$5`, `100_000 tokens`, `3 credits` or `50 risk points`.
pub(crate) fn parse_amount(text: &str) -> Result<Amount, String> {
    let text = text.trim();
    if let Some(dollars) = text.strip_prefix('$') {
        return Amount::parse_usd(dollars).map_err(|error| error.to_string());
    }
    let expected =
        || format!("found {text:?}, expected an amount such as $5, 100_000 tokens, 3 credits or 50 risk points");
    let (number, unit) = text.split_once(char::is_whitespace).ok_or_else(expected)?;
    let number: u64 = number.replace('_', "").parse().map_err(|_| expected())?;
    match unit.trim() {
        "token" | "tokens" => Ok(Amount::tokens(number)),
        "credit" | "credits" => Ok(Amount::credits(number)),
        "risk point" | "risk points" => Ok(Amount::risk_points(number)),
        _ => Err(expected()),
    }
}

#[cfg(test)]
mod tests {
    use runcycles::models::Amount;

    use super::parse_amount;

    #[test]
    fn amounts_are_read_as_people_write_them() {
        assert_eq!(parse_amount("$5"), Ok(Amount::usd_microcents(500_000_000)));
        assert_eq!(parse_amount(" $0.02 "), Ok(Amount::usd_microcents(2_000_000)));
        assert_eq!(parse_amount("100_000 tokens"), Ok(Amount::tokens(100_000)));
        assert_eq!(parse_amount("1 credit"), Ok(Amount::credits(1)));
        assert_eq!(parse_amount("50  risk points"), Ok(Amount::risk_points(50)));
    }

    #[test]
    fn what_is_no_amount_says_what_was_expected() {
        for text in ["5", "", "-1 tokens", "5 euros", "1.5 tokens", "$-5", "$"] {
            assert!(parse_amount(text).is_err(), "{text}");
        }
        let error = parse_amount("5 euros").expect_err("an error");
        assert_eq!(
            error,
            "found \"5 euros\", expected an amount such as $5, 100_000 tokens, 3 credits or 50 risk points"
        );
    }
}
