//! What model tokens cost.

use runcycles::models::{Amount, AmountError};
use runcycles::{Price, PriceTable, Usage, tokens, usd};

/// Prices by microcents a token, as the documented cheat sheet has them.
fn per_token(input: u64, output: u64) -> Price {
    let million = |price: u64| Amount::usd_microcents(price * 1_000_000);
    Price::new(million(input), million(output)).unwrap()
}

#[test]
fn estimates_are_those_of_the_documented_cheat_sheet() {
    let (gpt_4o, mini, sonnet) = (per_token(250, 1_000), per_token(15, 60), per_token(300, 1_500));
    for (price, input, output, microcents) in [
        (gpt_4o, 2_000, 1_000, 1_800_000),
        (sonnet, 4_000, 2_000, 5_040_000),
        (gpt_4o, 500, 200, 390_000),
        (gpt_4o, 8_000, 2_000, 4_800_000),
        (mini, 500, 200, 23_400),
        (sonnet, 2_000, 1_000, 2_520_000),
        (sonnet, 4_000, 4_000, 8_640_000),
    ] {
        assert_eq!(price.estimate(input, output, 20).unwrap(), Amount::usd_microcents(microcents));
    }
}

#[test]
fn each_class_of_tokens_is_charged_once_at_its_own_price() {
    let price = Price::new(usd!(3), usd!(15)).unwrap();
    let usage = Usage { input: 1_000, cache_read: 10_000, cache_write: 2_000, output: 500, reasoning: 500 };
    assert_eq!(price.cost(&usage).unwrap(), usd!(0.054), "a cache without prices costs as much as input");
    let price = price.cache_read(usd!(0.30)).unwrap().cache_write(usd!(3.75)).unwrap();
    assert_eq!(price.cost(&usage).unwrap(), usd!(0.0285));
}

#[test]
fn a_cost_is_rounded_up_once() {
    let price = Price::new(Amount::usd_microcents(1), Amount::usd_microcents(1)).unwrap();
    let cost = |input, output| price.cost(&Usage { input, output, ..Usage::default() }).unwrap().value();
    assert_eq!((cost(0, 0), cost(1, 0), cost(1, 1), cost(500_000, 500_000), cost(1_000_000, 1)), (0, 1, 1, 1, 2));
    assert_eq!(price.estimate(1_000_000, 0, 1).unwrap().value(), 2);
}

#[test]
fn what_no_amount_can_carry_is_an_error() {
    let most = Price::new(Amount::usd_microcents(i64::MAX as u64), usd!(0)).unwrap();
    let usage = |input| Usage { input, ..Usage::default() };
    assert_eq!(most.cost(&usage(1_000_000)).unwrap().value(), i64::MAX as u64);
    assert_eq!(most.cost(&usage(1_000_001)), Err(AmountError::Overflow));
    assert_eq!(most.cost(&usage(u64::MAX)), Err(AmountError::Overflow));
    assert!(matches!(Price::new(tokens(1), usd!(1)), Err(AmountError::UnitMismatch { .. })));
}

#[test]
fn both_public_shapes_give_the_same_prices() {
    let models_dev = r#"{
        "openai": { "id": "openai", "models": {
            "gpt-4o": { "cost": { "input": 2.5, "output": 10, "cache_read": 1.25 }, "limit": { "context": 128000 } },
            "free": { "name": "without a price" }
        } },
        "empty": { "models": {} }
    }"#;
    let litellm = r#"{
        "sample_spec": { "input_cost_per_token": "a number", "output_cost_per_token": 0 },
        "gpt-4o": { "input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05,
            "cache_read_input_token_cost": 1.25e-06, "mode": "chat" },
        "dall-e-3": { "input_cost_per_pixel": 3.81e-08 }
    }"#;
    let (ours, theirs) = (PriceTable::from_models_dev(models_dev).unwrap(), PriceTable::from_litellm(litellm).unwrap());
    let expected = Price::new(usd!(2.50), usd!(10)).unwrap().cache_read(usd!(1.25)).unwrap();
    assert_eq!(ours.of("openai/gpt-4o"), Ok(&expected));
    assert_eq!(theirs.of("gpt-4o"), Ok(&expected));
    assert_eq!(theirs.models().collect::<Vec<_>>(), ["gpt-4o"]);
}

#[test]
fn a_model_without_a_price_is_an_error_that_names_the_cure() {
    let error = PriceTable::new().of("gpt-5").unwrap_err();
    assert_eq!(error.to_string(), "no price of the model \"gpt-5\"; add it to the price table, or correct the name");
}

#[test]
fn files_of_another_shape_and_prices_that_are_none_are_errors() {
    for (json, text) in [
        ("", "not a JSON object"),
        ("[]", "not a JSON object"),
        ("{}", "no prices found"),
        (r#"{ "openai": { "models": [] } }"#, "no prices found"),
    ] {
        assert!(PriceTable::from_models_dev(json).unwrap_err().to_string().contains(text), "{json}");
    }
    for price in ["-1", "\"2\"", "1e300", "{}"] {
        let json = format!(r#"{{ "m": {{ "input_cost_per_token": {price}, "output_cost_per_token": 1 }} }}"#);
        let error = PriceTable::from_litellm(&json).unwrap_err().to_string();
        assert!(error.contains("input_cost_per_token of the model \"m\""), "{error}");
    }
}
